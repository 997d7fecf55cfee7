"""The L^p-nested distribution of independent subspaces (Stühmer et al. 2019, Eqs. 7-11, Alg. 1).

z is split into subspaces of `sizes` latents, in order. Its density decreases with

    f(z)^p0 = sum over subspaces i of (sum over their latents j of |z_j|^p1_i)^(p0 / p1_i)    (9)

With the radial distribution of Eq. 11, with scale s, the subspaces are independent:

    p(z) = prod_i exp(-v_i^p0 / s) / Z_i,   v_i the L^p1_i norm of subspace i,

and Z_i collects its part of Eqs. 7, 8 and 11. p0 = p1 = 2 with s = 2 is the standard normal.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def negative_log_density(
    z: Tensor, sizes: Sequence[int], p0: float, p1: Tensor, scale: float
) -> Tensor:
    """-log p(z) in nats, divided among the latents, (K, n, M); it sums over M to the total.

    z: (K, n, M). sizes: of the l0 subspaces, adding up to M. p1: (K, l0), positive.
    A latent's share of v_i^p0 / s is proportional to |z_j|^p1_i; log Z_i is divided equally within
    the subspace. This is exact if latents are independent; at p = 2 it is each latent's own KL.
    """
    counts = torch.cat([z.new_full((1,), size, dtype=torch.int64) for size in sizes])
    of_latents = p1.repeat_interleave(counts, dim=1, output_size=sum(sizes)).unsqueeze(1)
    powers = z.abs().pow(of_latents)
    sums = torch.stack([part.sum(2) for part in powers.split(list(sizes), dim=2)], dim=2)
    # the slope may be infinite at 0
    sums = sums.clamp_min(torch.finfo(z.dtype).tiny)
    slopes = sums.pow(p0 / p1.unsqueeze(1) - 1) / scale  # v_i^p0 / s = sums * slopes
    shares = log_normaliser(counts.to(z.dtype), p0, p1, scale) / counts
    stacked = torch.stack([slopes, shares.unsqueeze(1).expand_as(slopes)])
    slope, share = stacked.repeat_interleave(counts, dim=3, output_size=sum(sizes))
    return powers * slope + share


def log_normaliser(sizes: Tensor, p0: float, p1: Tensor, scale: float) -> Tensor:
    """log Z_i of the subspaces in nats, (K, l0), for `sizes` (l0,) and p1 (K, l0)."""
    root = torch.lgamma(sizes / p0) - math.log(p0) + sizes / p0 * math.log(scale)
    sphere = sizes * (math.log(2) + torch.lgamma(1 / p1))
    sphere = sphere - (sizes - 1) * p1.log() - torch.lgamma(sizes / p1)
    return root + sphere


def sample(
    count: int,
    sizes: Sequence[int],
    p0: float,
    p1: Sequence[float],
    scale: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Exact samples of one model's p(z), (count, M), by Alg. 1.

    p1: one per subspace. The radius that Alg. 1 draws in step 1 cancels in step 4, so both are
    omitted.
    """
    radius = (scale * rng.gamma(sum(sizes) / p0, size=(count, 1))) ** (1 / p0)  # step 5, Eq. 11
    norms = radius * rng.dirichlet(np.array(sizes) / p0, count) ** (1 / p0)  # steps 2 and 3, root
    parts = [
        norms[:, [i]] * rng.dirichlet(np.full(size, 1 / p), count) ** (1 / p)
        for i, (size, p) in enumerate(zip(sizes, p1, strict=True))
    ]
    z = np.concatenate(parts, axis=1)
    return z * rng.choice([-1.0, 1.0], z.shape)  # step 6
