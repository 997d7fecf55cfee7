"""The mean score over (log beta_norm, log latents), known up to noise: Gaussian processes."""

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import expit, logsumexp

if TYPE_CHECKING:  # scikit-learn: seconds, which whoever only names an answer need not pay
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Kernel

# What the function may be like: every combination counts by how well it explains the scores.
# Lengths are in natural logarithms, heights in standard deviations of the settings' means.
BETA_LENGTHS = (0.35, 0.6, 1.0, 1.7, 2.9, 5.0)  # factors of 1.4 to 150
LATENTS_LENGTHS = (0.7, 1.5, 3.0, 6.0)
HEIGHTS = (0.5, 1.0, 2.0)
MISFITS = (0.03, 0.3)  # noise beyond the measured one
MISFITS_UNMEASURED = (*MISFITS, 1.0)  # where seeds metric none, the scores may be nothing else
# A collapse of the latents makes a cliff beside a gentle slope. One smoothness fits neither, and
# puts the top too far from the cliff; so a little fine detail is always allowed for.
DETAIL_HEIGHT, DETAIL_LENGTHS = 0.2, (0.5, 1.5)
UNKNOWN_LEVEL = 10.0  # prior standard deviation of the overall level: as good as unknown
LEAST_NOISE = 1e-6  # keeps a noiseless sweep's matrix positive definite in double precision
NEGLIGIBLE = 0.01  # a combination that weighs less is left out


@dataclass(frozen=True)
class Surface:
    """A weighted family of Gaussian processes over points (n, 2): log beta_norm, log latents.

    weights: (models,) posterior probability of each model.
    flat: posterior probability, from even odds, that the mean score is the same everywhere.
    """

    models: tuple["GaussianProcessRegressor", ...]
    weights: np.ndarray
    centre: float
    scale: float
    flat: float

    @property
    def reach(self) -> float:
        """Average length in log beta over which the score changes."""
        lengths = [model.kernel.k2.k2.length_scale[0] for model in self.models]
        return float(self.weights @ lengths)

    def draw(self, points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Functions that the scores allow, at `points` (n, 2): array (count, n) of mean scores."""
        ends = np.floor(np.cumsum(self.weights) * count + 0.5).astype(int)
        shares = np.diff(ends, prepend=0)
        draws = [
            _draw(model, points, share, rng)
            for model, share in zip(self.models, shares, strict=True)
            if share
        ]
        return self.centre + self.scale * np.concatenate(draws)

    def imagine(self, means: np.ndarray, noise: float) -> "Surface":
        """The same family had the settings scored `means` with `noise` times the variance."""
        values = (means - self.centre) / self.scale
        models = tuple(
            _condition(m.kernel, m.X_train_, values, noise * m.alpha) for m in self.models
        )
        return Surface(models, self.weights, self.centre, self.scale, self.flat)


def fit_surface(
    points: np.ndarray, means: np.ndarray, variances: np.ndarray, measured: bool = True
) -> Surface:
    """Surface from mean scores `means` (n,) of noise `variances` (n,) at `points` (n, 2).

    measured: whether `variances` hold all noise; False for single seeds.

    Smoothness, height and misfit are averaged over, not fixed at their likeliest values: with a
    dozen settings those alone make intervals too short (Rasmussen & Williams 2006, section 5.2).
    """
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    centre, scale = float(means.mean()), float(means.std())
    if scale < 1e-9 * max(1.0, abs(centre)):  # equal scores
        scale = 1.0
    values, noise = (means - centre) / scale, variances / scale**2
    latents_lengths = LATENTS_LENGTHS if np.ptp(points[:, 1]) > 0 else LATENTS_LENGTHS[:1]
    misfits = MISFITS if measured else MISFITS_UNMEASURED
    level = ConstantKernel(UNKNOWN_LEVEL**2)
    detail = ConstantKernel(DETAIL_HEIGHT**2) * Matern(DETAIL_LENGTHS, nu=1.5)
    rest = (level + detail)(points)

    curves = list(itertools.product(misfits, HEIGHTS, BETA_LENGTHS, latents_lengths))
    curved = [
        (level + detail + ConstantKernel(h**2) * Matern((b, m), nu=1.5), noise + misfit**2)
        for misfit, h, b, m in curves
    ]
    found = {}
    for b, m in itertools.product(BETA_LENGTHS, latents_lengths):
        shape = Matern((b, m), nu=1.5)(points)  # the costly part, the same for all heights
        for misfit, h in itertools.product(misfits, HEIGHTS):
            found[misfit, h, b, m] = _evidence(rest + h**2 * shape, values, noise + misfit**2)
    evidence = np.array([found[curve] for curve in curves])
    constant_evidence = np.array(
        [_evidence(level(points), values, noise + misfit**2) for misfit in misfits]
    )
    weights = np.exp(evidence - logsumexp(evidence))
    kept = np.flatnonzero(weights >= min(NEGLIGIBLE, weights.max()))
    odds = _log_mean(constant_evidence) - _log_mean(evidence)
    return Surface(
        # conditioned anew: all at once would hold a matrix (n, n) for each of the combinations
        models=tuple(_condition(curved[i][0], points, values, curved[i][1]) for i in kept),
        weights=weights[kept] / weights[kept].sum(),
        centre=centre,
        scale=scale,
        flat=float(expit(odds)),
    )


def _condition(
    kernel: "Kernel", points: np.ndarray, values: np.ndarray, variances: np.ndarray
) -> "GaussianProcessRegressor":
    from sklearn.gaussian_process import GaussianProcessRegressor

    alpha = np.maximum(variances, LEAST_NOISE)
    return GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None).fit(points, values)


def _evidence(covariance: np.ndarray, values: np.ndarray, variances: np.ndarray) -> float:
    """log p(values) of a Gaussian process (Rasmussen & Williams 2006, Eq. 2.30)."""
    noisy = covariance + np.diag(np.maximum(variances, LEAST_NOISE))
    root = cholesky(noisy, lower=True, overwrite_a=True, check_finite=False)
    white = solve_triangular(root, values, lower=True, check_finite=False)
    constant = len(values) * math.log(2 * math.pi) / 2
    return float(-white @ white / 2 - np.log(np.diag(root)).sum() - constant)


def _log_mean(logs: np.ndarray) -> float:
    return float(logsumexp(logs) - np.log(len(logs)))


def _draw(
    model: "GaussianProcessRegressor", points: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    mean, covariance = model.predict(points, return_cov=True)
    # for the same reason: neighbours on a dense grid are all but equal
    covariance[np.diag_indices_from(covariance)] += 1e-8 * UNKNOWN_LEVEL**2
    return mean + rng.standard_normal((count, len(mean))) @ np.linalg.cholesky(covariance).T
