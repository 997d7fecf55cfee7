"""Beta-variational inference in over-complete ICA (Stühmer et al. 2019, B.7 and B.8).

x = W z + noise, z_k ~ Student-t with `freedom` degrees and scale 1, noise ~ N(0, noise^2 I). Each
data point has Gaussian factors of its own, q(z_n) = prod_k N(mu_nk, sigma_nk^2): nothing is
amortised, so that all bias is that of the objective.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NODES = 24  # of the quadrature over a Gaussian
WARM, STEPS = 40, 400  # of L-BFGS: on q alone at the true weights, then on all


@dataclass(frozen=True)
class Sources:
    """How data are made. freedom: of the Student-t; fewer are sparser. noise: its deviation."""

    freedom: float = 2.2
    noise: float = 0.1


@dataclass(frozen=True)
class Fit:
    """weights: (L, K). free_energy: E_q[log p(x|z)] - beta KL(q || p), nats per data point."""

    weights: NDArray[np.float64]
    free_energy: float


def directions(degrees: tuple[float, ...]) -> NDArray[np.float64]:
    """Weights (2, K) of length 1 at these angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)])


def sample(
    weights: NDArray[np.float64], sources: Sources, count: int, seed: int = 0
) -> NDArray[np.float64]:
    """x (count, L)."""
    rng = np.random.default_rng(seed)
    z = rng.standard_t(sources.freedom, (count, weights.shape[1]))
    return z @ weights.T + sources.noise * rng.standard_normal((count, len(weights)))


def cross_entropy(mu: Tensor, log_sigma: Tensor, freedom: float) -> Tensor:
    """-E[log p(z)] of Student-t sources under N(mu, sigma^2), by Gauss-Hermite quadrature."""
    nodes, weights = _quadrature()
    z = mu[..., None] + log_sigma.exp()[..., None] * nodes
    log_norm = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    log_norm -= 0.5 * math.log(freedom * math.pi)
    return torch.log1p(z**2 / freedom) @ weights * (freedom + 1) / 2 - log_norm


def free_energy(
    x: Tensor, weights: Tensor, mu: Tensor, log_sigma: Tensor, sources: Sources, beta: float
) -> Tensor:
    """E_q[log p(x|z)] - beta KL(q || p), Eq. 13, nats per data point.

    x: (N, L). weights: (L, K). mu, log_sigma: (N, K).
    """
    squares = ((x - mu @ weights.T) ** 2).sum(1) + log_sigma.mul(2).exp() @ (weights**2).sum(0)
    variance = sources.noise**2
    explained = -0.5 * (squares / variance + x.shape[1] * math.log(2 * math.pi * variance))
    entropy = log_sigma + 0.5 * math.log(2 * math.pi * math.e)
    kl = (cross_entropy(mu, log_sigma, sources.freedom) - entropy).sum(1)
    return (explained - beta * kl).mean()


def fit(
    x: NDArray[np.float64],
    start: NDArray[np.float64],
    sources: Sources,
    beta: float,
    steps: int = STEPS,
) -> Fit:
    """Weights and factors that no small change improves, from the weights `start`, the true ones.

    A line search takes steps that improve the free energy alone, as the paper's do.
    """
    data, weights = torch.from_numpy(x), torch.from_numpy(start.copy())
    mu = data @ torch.linalg.pinv(weights).T
    log_sigma = torch.full_like(mu, -1.0)
    for variables, most in (((mu, log_sigma), WARM), ((weights, mu, log_sigma), steps)):
        for variable in variables:
            variable.requires_grad_()
        found = torch.optim.LBFGS(
            variables, max_iter=most, history_size=20, line_search_fn="strong_wolfe"
        )

        def loss(found: torch.optim.LBFGS = found) -> float:
            found.zero_grad()
            value = -free_energy(data, weights, mu, log_sigma, sources, beta)
            value.backward()  # type: ignore[no-untyped-call]
            return float(value.detach())

        found.step(loss)
    with torch.no_grad():
        reached = float(free_energy(data, weights, mu, log_sigma, sources, beta))
    return Fit(weights.detach().numpy(), reached)


def lengths(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the components, the longest first; (K,)."""
    return np.sort(np.linalg.norm(weights, axis=0))[::-1]


def angle(weights: NDArray[np.float64]) -> float:
    """Between the two longest components, in degrees from 0 to 90."""
    first, second = weights[:, np.argsort(-np.linalg.norm(weights, axis=0))[:2]].T
    cosine = abs(first @ second) / (np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.degrees(np.arccos(min(1.0, cosine))))


@cache
def _quadrature() -> tuple[Tensor, Tensor]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())
