"""Gaussian noise whose variance each model learns ("... troubleshooting in VAE", A.1)."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from trainer.config.schema import require
from trainer.likelihoods.likelihood import Likelihood
from trainer.likelihoods.noise import log_normal, log_sigma_of, squared_errors, variance_of


@dataclass(frozen=True)
class LearnedOptions:
    """How σ² is learned.

    variance: its initial value, for pixels in [0, 1].
    by: "gradient" of log σ, along with the networks, or "closed_form".
    rate: how far the closed form moves σ² towards the optimum of each batch, in (0, 1]; 1, as in
        the paper, is all the way, less averages over batches.
    """

    variance: float = 0.1
    by: Literal["closed_form", "gradient"] = "closed_form"
    rate: float = 1.0

    def __post_init__(self) -> None:
        require(self.variance > 0, "variance", "expected a positive number")
        require(0 < self.rate <= 1, "rate", "expected a positive number, at most 1")


class NoiseLevel(nn.Module):
    """One noise level per model; `log_sigma`: (K,)."""

    def __init__(self, size: int, options: LearnedOptions):
        super().__init__()
        self.first = 0.5 * math.log(options.variance)
        by_gradient = options.by == "gradient"
        self.log_sigma = nn.Parameter(torch.empty(size), requires_grad=by_gradient)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Sets one model's level to its initial value."""
        with torch.no_grad():
            self.log_sigma[model] = self.first

    def learned(self) -> dict[str, Tensor]:
        """ "variance" (K,): σ² of a pixel in [0, 1]."""
        return {"variance": variance_of(self.log_sigma)}


def gaussian_learned(
    x: Tensor, decoded: Tensor, own: NoiseLevel, options: LearnedOptions
) -> Tensor:
    """Sum over pixels of log N(x; sigmoid(decoded), σ²), (K, n) in nats."""
    variance = variance_of(own.log_sigma)[:, None, None]
    return log_normal(squared_errors(x, decoded), variance).sum(2)


@torch.no_grad()
def update(x: Tensor, decoded: Tensor, own: NoiseLevel, options: LearnedOptions) -> None:
    """Closed form of A.1: σ² is the mean squared error of a pixel, whatever beta is."""
    if options.by == "closed_form":
        best = squared_errors(x, decoded).mean((1, 2))
        mixed = torch.lerp(variance_of(own.log_sigma), best, options.rate)
        own.log_sigma.copy_(log_sigma_of(mixed))


GAUSSIAN_LEARNED = Likelihood(gaussian_learned, torch.sigmoid, LearnedOptions, NoiseLevel, update)
