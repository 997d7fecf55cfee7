"""p(x|z) of an image given the decoder's output, by name. A new one is a file and a line here."""

from typing import TYPE_CHECKING

from trainer.registry import Registry

if TYPE_CHECKING:
    from trainer.likelihoods.likelihood import Likelihood

LIKELIHOODS: "Registry[Likelihood]" = Registry(
    {
        "bernoulli": "trainer.likelihoods.bernoulli:BERNOULLI",
        "gaussian": "trainer.likelihoods.gaussian:GAUSSIAN",
        "gaussian_learned": "trainer.likelihoods.gaussian_learned:GAUSSIAN_LEARNED",
        "gaussian_mixture": "trainer.likelihoods.gaussian_mixture:GAUSSIAN_MIXTURE",
    }
)
