"""Gaussian noise around the decoder's mean image, shared by all Gaussian likelihoods."""

import math

import torch
from torch import Tensor

# Variances stay above this (a standard deviation of a quarter of one of 255 grey levels): otherwise
# a pixel that never changes would drive the noise to 0 and the likelihood to infinity.
MIN_VARIANCE = (0.25 / 255) ** 2


def squared_errors(x: Tensor, decoded: Tensor) -> Tensor:
    """(x - mean)^2 of every pixel, (K, n, pixels), the mean being sigmoid(decoded)."""
    return (x - torch.sigmoid(decoded)).square().flatten(2)


def log_normal(squared_error: Tensor, variance: Tensor) -> Tensor:
    """log N(x; mean, variance) in nats, given (x - mean)^2; shapes broadcast."""
    return -0.5 * (math.log(2 * math.pi) + variance.log() + squared_error / variance)


def variance_of(log_sigma: Tensor) -> Tensor:
    """The variance for a parameter log(sigma), at least MIN_VARIANCE."""
    return MIN_VARIANCE + (2 * log_sigma).exp()


def log_sigma_of(variance: Tensor) -> Tensor:
    """The parameter for a variance; the inverse of `variance_of`."""
    return 0.5 * (variance - MIN_VARIANCE).clamp_min(1e-6 * MIN_VARIANCE).log()
