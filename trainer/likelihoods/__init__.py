"""p(x|z) of an image given the decoder's output, by name. A new one is a file and a line here."""

from trainer.likelihoods.bernoulli import BERNOULLI
from trainer.likelihoods.gaussian import GAUSSIAN
from trainer.likelihoods.gaussian_learned import GAUSSIAN_LEARNED
from trainer.likelihoods.gaussian_mixture import GAUSSIAN_MIXTURE
from trainer.likelihoods.likelihood import Likelihood

__all__ = ["LIKELIHOODS", "Likelihood"]

LIKELIHOODS: dict[str, Likelihood] = {
    "bernoulli": BERNOULLI,
    "gaussian": GAUSSIAN,
    "gaussian_learned": GAUSSIAN_LEARNED,
    "gaussian_mixture": GAUSSIAN_MIXTURE,
}
