"""Gaussian noise whose variance the decoder outputs ("... troubleshooting in VAE", D.5)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.config.schema import require
from trainer.likelihoods.likelihood import Likelihood
from trainer.likelihoods.noise import MIN_VARIANCE, log_normal


@dataclass(frozen=True)
class NetworkNoiseOptions:
    """variance: σ² where the decoder outputs 0, about its initial output; pixels are in [0, 1]."""

    variance: float = 0.1

    def __post_init__(self) -> None:
        require(self.variance > 0, "variance", "expected a positive number")


def gaussian_network(x: Tensor, decoded: Tensor, own: None, options: NetworkNoiseOptions) -> Tensor:
    """Sum over pixels of log N(x; mean, variance), (K, n) in nats, each pixel with its own σ².

    decoded: (K, n, 2 C, H, W), the logits of the means, then the input of `variances`.
    """
    logits, _ = decoded.chunk(2, dim=2)
    squared = (x - torch.sigmoid(logits)).square()
    return log_normal(squared, variances(decoded, options)).flatten(2).sum(2)


def variances(decoded: Tensor, options: NetworkNoiseOptions) -> Tensor:
    """σ² of every pixel, (K, n, C, H, W), at least MIN_VARIANCE; the paper gives no formula.

    Softplus rather than exp: one step must not move a variance to where the loss is unbounded
    below.
    """
    given = decoded.chunk(2, dim=2)[1]
    return MIN_VARIANCE + options.variance / math.log(2) * F.softplus(given)


def mean(decoded: Tensor) -> Tensor:
    """Mean images (K, n, C, H, W)."""
    return torch.sigmoid(decoded.chunk(2, dim=2)[0])


GAUSSIAN_NETWORK = Likelihood(gaussian_network, mean, NetworkNoiseOptions, outputs=2)
