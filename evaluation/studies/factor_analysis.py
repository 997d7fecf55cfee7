"""Beta-variational inference in factor analysis, in closed form (Stühmer et al. 2019, B.1 to B.6).

x = W z + noise, z ~ N(0, I) in R^K, noise ~ N(0, D) in R^L with D diagonal. A beta of 1/M is M
copies of each observation: each likelihood is raised to the power M. Symbols are the paper's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FactorModel:
    """weights: W (L, K). noise: the diagonal of D (L,), positive. beta: positive."""

    weights: Array
    noise: Array
    beta: float = 1.0

    @property
    def precision(self) -> Array:
        """Precision of the posterior at each x, (K, K): W' D^-1 W / beta + I."""
        scaled = self.weights / self.noise[:, None]
        return self.weights.T @ scaled / self.beta + np.eye(self.weights.shape[1])

    @property
    def covariance(self) -> Array:
        """Covariance of the exact posterior, (K, K)."""
        return np.asarray(np.linalg.inv(self.precision), np.float64)

    @property
    def variances(self) -> Array:
        """Variances of the best factorised posterior, (K,): 1 / the diagonal of `precision`."""
        return 1 / np.diag(self.precision)

    @property
    def recognition(self) -> Array:
        """R (K, L): R x is the mean of the posterior at x, exact or factorised.

        The paper's equation for the mean has the inverse of the covariance in its place.
        """
        return self.covariance @ (self.weights / self.noise[:, None]).T / self.beta


def log_evidence(model: FactorModel, second_moment: Array) -> float:
    """log of the integral of p(x|z)^(1/beta) p(z) dz, nats per data point; log p(x) at beta = 1.

    second_moment: the mean of x x' over the data, (L, L). No free energy exceeds it.
    """
    power, noise = 1 / model.beta, model.noise
    covariance = model.weights @ model.weights.T + np.diag(noise * model.beta)
    log_det = float(np.linalg.slogdet(covariance)[1])
    spread = np.trace(np.linalg.solve(covariance, second_moment))
    gaussian = -0.5 * (len(noise) * np.log(2 * np.pi) + log_det + spread)
    # N(x; Wz, D)^M is N(x; Wz, D / M) up to a factor that does not depend on z
    constant = (1 - power) * (np.log(2 * np.pi * noise).sum()) - len(noise) * np.log(power)
    return float(gaussian + constant / 2)


def free_energy(model: FactorModel, second_moment: Array) -> float:
    """Free energy of the best factorised posterior: E_q[log p(x|z)] / beta - KL(q || p), Eq. 16.

    Nats per data point; second_moment as in `log_evidence`.
    """
    w, d, r, q = model.weights, model.noise, model.recognition, model.variances
    rest = np.eye(len(d)) - w @ r  # x less its reconstruction
    squares = np.trace((rest.T / d) @ rest @ second_moment)
    explained = -0.5 * (squares + np.log(2 * np.pi * d).sum() + ((w**2).T / d).sum(axis=1) @ q)
    kl = 0.5 * (np.trace(r @ second_moment @ r.T) + (q - np.log(q) - 1).sum())
    return float(explained / model.beta - kl)


def gap(model: FactorModel) -> float:
    """KL(factorised || exact posterior), nats: the cost of dependent latents.

    `log_evidence` minus `free_energy`, whatever the data: 0 where W' D^-1 W is diagonal.
    """
    diagonal = np.log(np.diag(model.precision)).sum()
    return float(0.5 * (diagonal - np.linalg.slogdet(model.precision)[1]))


def rotated(weights: Array, angle: float) -> Array:
    """W R: the first two latents rotated by `angle` (radians); x keeps its distribution."""
    turn = np.eye(weights.shape[1])
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return weights @ turn


def over_complete(alpha: float, rho: float = 0.6) -> Array:
    """Eq. 17: three latents for two pixels, with one covariance of x for each alpha in [0, 1]."""
    shares = np.array([alpha, np.sqrt(1 - alpha**2), rho])
    return shares / np.sqrt(2) * np.array([[1.0, 1.0, 1.0], [1.0, 1.0, -1.0]])


def fit(
    second_moment: Array, noise: Array, beta: float, latents: int, seed: int = 0, rounds: int = 3000
) -> FactorModel:
    """The weights with the highest free energy for a given D, by coordinate ascent."""
    start = 0.1 * np.random.default_rng(seed).standard_normal((len(noise), latents))
    model = FactorModel(start, noise, beta)
    for _ in range(rounds):
        r = model.recognition
        moments = r @ second_moment @ r.T + np.diag(model.variances)
        weights = np.linalg.solve(moments, r @ second_moment).T
        model = FactorModel(np.asarray(weights, np.float64), noise, beta)
    return model


def kept(eigenvalues: Array, noise: float, beta: float) -> Array:
    """Squared lengths of the weights with the highest free energy, for D = noise · I.

    max(0, eigenvalue - beta · noise), for the eigenvalues of the covariance of x: beta-inference is
    probabilistic PCA with beta times the actual noise, and so prunes directions of less variance.
    """
    return np.maximum(0.0, eigenvalues - beta * noise)
