"""What training minimises, by name. A new objective is a file beside this one and a line here."""

from collections.abc import Mapping
from typing import Any

from trainer.config.run import RunConfig, digest
from trainer.config.schema import FieldError, build
from trainer.data.dataset import Dataset
from trainer.likelihoods import LIKELIHOODS, Likelihood
from trainer.objectives.annealed_vae import ANNEALED_VAE
from trainer.objectives.beta_tcvae import BETA_TCVAE
from trainer.objectives.beta_vae import BETA_VAE
from trainer.objectives.dc_ign import DC_IGN
from trainer.objectives.dip_vae_i import DIP_VAE_I
from trainer.objectives.dip_vae_ii import DIP_VAE_II
from trainer.objectives.factor_vae import FACTOR_VAE
from trainer.objectives.infogan import INFOGAN
from trainer.objectives.isa_tcvae import ISA_TCVAE
from trainer.objectives.isa_vae import ISA_VAE
from trainer.objectives.objective import Batch, Objective, Terms
from trainer.objectives.vae import VAE

__all__ = [
    "LIKELIHOODS",
    "OBJECTIVES",
    "Batch",
    "Likelihood",
    "Objective",
    "Terms",
    "likelihood_options",
    "objective_options",
    "run_id",
]

OBJECTIVES: dict[str, Objective] = {
    "vae": VAE,
    "beta_vae": BETA_VAE,
    "annealed_vae": ANNEALED_VAE,
    "beta_tcvae": BETA_TCVAE,
    "factor_vae": FACTOR_VAE,
    "isa_vae": ISA_VAE,
    "isa_tcvae": ISA_TCVAE,
    "dip_vae_i": DIP_VAE_I,
    "dip_vae_ii": DIP_VAE_II,
    "infogan": INFOGAN,
    "dc_ign": DC_IGN,
}


def objective_options(config: RunConfig) -> Any:
    """The objective's options dataclass, from `config.objective_options`. Raises FieldError."""
    objective = OBJECTIVES[config.objective]
    options = _options(objective.options, config.objective_options, "objective_options")
    if objective.check:
        objective.check(config, options)
    return options


def run_id(config: RunConfig, data: Dataset) -> str:
    """Name of the run's folder: `RunConfig.identity`, over all of `data` that training sees.

    These are the pixels, and the labels too where the objective learns from them.
    """
    objective = OBJECTIVES.get(config.objective)
    if objective and objective.clamping:
        return config.identity(digest([data.fingerprint, data.labels_fingerprint]))
    return config.identity(data.fingerprint)


def likelihood_options(config: RunConfig) -> Any:
    """The likelihood's options dataclass, from `config.likelihood_options`. Raises FieldError."""
    options = LIKELIHOODS[config.likelihood].options
    return _options(options, config.likelihood_options, "likelihood_options")


def _options(cls: type, values: Mapping[str, Any], key: str) -> Any:
    try:
        return build(cls, values)
    except FieldError as error:
        raise error.under(key) from None
