"""p(x|z) given the decoder's output, by name. To add one, add a file and a line here."""

from typing import TYPE_CHECKING, Any

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, NoOptions, build_options
from trainer.config.short_forms import AUTO
from trainer.extensions import find
from trainer.registry import Registry

if TYPE_CHECKING:
    from trainer.likelihoods.likelihood import Likelihood

LIKELIHOODS: "Registry[Likelihood]" = Registry(
    {
        "bernoulli": "trainer.likelihoods.bernoulli:BERNOULLI",
        "gaussian": "trainer.likelihoods.gaussian:GAUSSIAN",
        "gaussian_learned": "trainer.likelihoods.gaussian_learned:GAUSSIAN_LEARNED",
        "gaussian_network": "trainer.likelihoods.gaussian_network:GAUSSIAN_NETWORK",
        "gaussian_mixture": "trainer.likelihoods.gaussian_mixture:GAUSSIAN_MIXTURE",
    },
    "beta_sweep.likelihoods",
)


def likelihood_options(config: RunConfig) -> Any:
    """The likelihood's options dataclass, from `config.likelihood_options`. Raises FieldError."""
    if config.likelihood == AUTO and config.likelihood_options:
        problem = "'auto' takes no options; specify the likelihood that has this option"
        raise FieldError(problem, ("likelihood_options", next(iter(config.likelihood_options))))
    if config.likelihood == AUTO:
        return NoOptions()
    options = find(LIKELIHOODS, config, "likelihood").options
    return build_options(options, config.likelihood_options, "likelihood_options")
