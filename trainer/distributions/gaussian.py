"""The Gaussian q(z|x) that all objectives share."""

import math

import torch
from torch import Tensor


def kl_from_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) || N(0, 1)) in nats, shaped like mu (Kingma & Welling 2014, App. B)."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def log_density(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z; mu, exp(logvar)) in nats, elementwise; shapes broadcast."""
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mu).square() * (-logvar).exp())


def reparametrise(mu: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """A sample of N(mu, exp(logvar)), given standard normal noise of the same shape."""
    return torch.addcmul(mu, (0.5 * logvar).exp(), noise)
