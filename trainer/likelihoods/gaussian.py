"""Gaussian noise with a given variance."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.config.schema import require
from trainer.likelihoods.likelihood import Likelihood
from trainer.likelihoods.noise import log_normal, squared_errors


@dataclass(frozen=True)
class GaussianOptions:
    """variance: σ² of a pixel's noise, for pixels in [0, 1].

    With the mean image m, beta-VAE's loss is |x - m|² / 2σ² + beta KL plus a constant, so that only
    beta σ² matters (Sec. 7.2.1 of "Preliminary theoretical troubleshooting in VAE").
    """

    variance: float = 1.0

    def __post_init__(self) -> None:
        require(self.variance > 0, "variance", "expected a positive number")


def gaussian(x: Tensor, decoded: Tensor, own: None, options: GaussianOptions) -> Tensor:
    """Sum over pixels of log N(x; sigmoid(decoded), variance), (K, n) in nats."""
    variance = decoded.new_full((), options.variance)
    return log_normal(squared_errors(x, decoded), variance).sum(2)


GAUSSIAN = Likelihood(gaussian, torch.sigmoid, GaussianOptions)
