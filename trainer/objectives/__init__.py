"""What training minimises, by name. To add one, add a file next to this one and a line here."""

from typing import TYPE_CHECKING, Any

from trainer.config.run import RunConfig
from trainer.config.schema import build_options
from trainer.extensions import find
from trainer.registry import Registry

if TYPE_CHECKING:
    from trainer.objectives.objective import Objective

OBJECTIVES: "Registry[Objective]" = Registry(
    {
        "vae": "trainer.objectives.vae:VAE",
        "beta_vae": "trainer.objectives.beta_vae:BETA_VAE",
        "annealed_vae": "trainer.objectives.annealed_vae:ANNEALED_VAE",
        "beta_tcvae": "trainer.objectives.beta_tcvae:BETA_TCVAE",
        "factor_vae": "trainer.objectives.factor_vae:FACTOR_VAE",
        "isa_vae": "trainer.objectives.isa_vae:ISA_VAE",
        "isa_tcvae": "trainer.objectives.isa_tcvae:ISA_TCVAE",
        "dip_vae_i": "trainer.objectives.dip_vae_i:DIP_VAE_I",
        "dip_vae_ii": "trainer.objectives.dip_vae_ii:DIP_VAE_II",
        "infogan": "trainer.objectives.infogan:INFOGAN",
        "dc_ign": "trainer.objectives.dc_ign:DC_IGN",
    },
    "beta_sweep.objectives",
)


def objective_options(config: RunConfig) -> Any:
    """The objective's options dataclass, from `config.objective_options`. Raises FieldError."""
    objective = find(OBJECTIVES, config, "objective")
    options: Any = build_options(objective.options, config.objective_options, "objective_options")
    if objective.check:
        objective.check(config, options)
    return options
