"""p(c) of InfoGAN's codes: uniform between -1 and 1, independent."""

import numpy as np
import torch
from torch import Tensor, nn

from trainer.distributions.gaussian import kl_from_standard_normal

VARIANCE = 1 / 3


class UniformPrior(nn.Module):
    """Uniform(-1, 1) for each of K models; a `trainer.distributions.prior.Prior`.

    reach: the largest distance of its codes from 0, for traversals.
    noise_codes: number of codes after the M regularised ones in a sample.
    """

    reach = 1.0

    def __init__(self, noise_codes: int):
        super().__init__()
        self.noise_codes = noise_codes

    def kl(self, mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
        """KL(q(z|x) || N(0, 1/3)) in nats, (K, n, M).

        The KL of any Gaussian from the uniform itself is infinite; this one is from the normal with
        the same mean and variance.
        """
        return kl_from_standard_normal(mu / VARIANCE**0.5, logvar - np.log(VARIANCE))

    def sample(self, size: int, count: int, latents: int, rng: np.random.Generator) -> Tensor:
        """Exact samples, (K, count, M + noise codes)."""
        codes = rng.uniform(-1, 1, (size, count, latents + self.noise_codes))
        return torch.from_numpy(codes).float()
