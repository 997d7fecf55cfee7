"""Noise that is a mixture of Gaussians, learned per model ("... troubleshooting in VAE", A.2)."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from trainer.config.schema import require
from trainer.likelihoods.likelihood import Likelihood
from trainer.likelihoods.noise import log_normal, log_sigma_of, squared_errors, variance_of

MIN_WEIGHT = 1e-6  # of a component: at 0 it could never recover


@dataclass(frozen=True)
class MixtureOptions:
    """How the mixture is initialised, and how it is learned.

    components: how many Gaussians, all with mean 0.
    variance: initial variance of the widest; each further one has a tenth of the previous one's.
    by: "em", as in the paper, or "gradient" of log σ and log π along with the networks.
    rate: how far an EM step moves the sums of Eq. 26 towards those of the batch, in (0, 1]; 1, as
        in the paper, is all the way, less averages over batches.
    """

    components: int = 2
    variance: float = 0.1
    by: Literal["em", "gradient"] = "em"
    rate: float = 1.0

    def __post_init__(self) -> None:
        require(self.components > 0, "components", "expected 1 or more")
        require(self.variance > 0, "variance", "expected a positive number")
        require(0 < self.rate <= 1, "rate", "expected a positive number, at most 1")


class NoiseMixture(nn.Module):
    """J components per model. `log_weight`: (K, J), log π up to a constant. `log_sigma`: (K, J)."""

    def __init__(self, size: int, options: MixtureOptions):
        super().__init__()
        self.first = [
            0.5 * math.log(options.variance / 10**number) for number in range(options.components)
        ]
        shape, by_gradient = (size, options.components), options.by == "gradient"
        self.log_weight = nn.Parameter(torch.empty(shape), requires_grad=by_gradient)
        self.log_sigma = nn.Parameter(torch.empty(shape), requires_grad=by_gradient)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Sets one model's components to their initial values, with equal weights."""
        with torch.no_grad():
            self.log_weight[model] = 0
            self.log_sigma[model] = torch.tensor(self.first)

    def learned(self) -> dict[str, Tensor]:
        """ "variance" and "weight" (K, J): σ² of a pixel in [0, 1] and π of each component."""
        return {"variance": variance_of(self.log_sigma), "weight": self.log_weight.softmax(1)}


def gaussian_mixture(
    x: Tensor, decoded: Tensor, own: NoiseMixture, options: MixtureOptions
) -> Tensor:
    """Sum over pixels of log sum_k π_k N(x; sigmoid(decoded), σ_k²), (K, n) in nats (Eq. 15).

    Its gradient with respect to the networks is Eq. 25's at the responsibilities of the E step.
    """
    return _log_joint(squared_errors(x, decoded), own).logsumexp(0).sum(2)


@torch.no_grad()
def update(x: Tensor, decoded: Tensor, own: NoiseMixture, options: MixtureOptions) -> None:
    """E step and M step for π and σ² (Eqs. 23 and 26) on one batch.

    The sum in the denominator of Eq. 23 is over the components k, as for any mixture; as printed it
    is over images and samples. With `rate` below 1 it is stepwise EM (Cappé & Moulines 2009).
    """
    if options.by != "em":
        return
    squared = squared_errors(x, decoded)
    responsibility = _log_joint(squared, own).softmax(0)
    weight = responsibility.mean((2, 3)).T  # N_k over the number of pixels, (K, J)
    error = (responsibility * squared).mean((2, 3)).T
    old = own.log_weight.softmax(1)
    error = torch.lerp(old * variance_of(own.log_sigma), error, options.rate)
    weight = torch.lerp(old, weight, options.rate).clamp_min(MIN_WEIGHT)
    own.log_weight.copy_(weight.log())
    own.log_sigma.copy_(log_sigma_of(error / weight))


def responsibilities(x: Tensor, decoded: Tensor, own: NoiseMixture) -> Tensor:
    """Posterior of the components for each pixel's residual, (J, K, n, C, H, W); sums to 1."""
    return _log_joint(squared_errors(x, decoded), own).softmax(0).unflatten(3, x.shape[2:])


def _log_joint(squared: Tensor, own: NoiseMixture) -> Tensor:
    """log π_k N(x; mean, σ_k²) of every pixel, (J, K, n, pixels)."""
    log_weight = own.log_weight.log_softmax(1).T[:, :, None, None]
    variance = variance_of(own.log_sigma).T[:, :, None, None]
    return log_weight + log_normal(squared, variance)


GAUSSIAN_MIXTURE = Likelihood(gaussian_mixture, torch.sigmoid, MixtureOptions, NoiseMixture, update)
