"""p(z), the prior of the codes, and how far q(z|x) is from it."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from trainer.distributions.gaussian import kl_from_standard_normal


@runtime_checkable
class Prior(Protocol):
    """A distribution of z for each of K models."""

    def kl(self, mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
        """KL(q(z|x) || p(z)) in nats, (K, n, M), exact or estimated at the sample z of q.

        All arrays (K, n, M). The sum over M is the KL; if p(z) does not factorise over latents, the
        prior documents how it divides the sum among them.
        """
        ...

    def sample(self, size: int, count: int, latents: int, rng: np.random.Generator) -> Tensor:
        """Exact samples of p(z), (K, count, M), for K = `size` models."""
        ...


class StandardNormal:
    """N(0, I), the same for all models."""

    def kl(self, mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
        """As `Prior.kl`, in closed form: z is not used."""
        return kl_from_standard_normal(mu, logvar)

    def sample(self, size: int, count: int, latents: int, rng: np.random.Generator) -> Tensor:
        """As `Prior.sample`."""
        return torch.from_numpy(rng.standard_normal((size, count, latents), np.float32))
