"""Gaussian processes for the mean score over (log beta_norm, log latents), known up to noise."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.spatial.distance import cdist
from scipy.special import expit, logsumexp, softmax

# The family of functions: every combination is weighted by how well it explains the scores.
# Lengths are in natural logarithms, heights in standard deviations of the settings' means.
BETA_LENGTHS = (0.35, 0.6, 1.0, 1.7, 2.9, 5.0)  # factors of 1.4 to 150
LATENTS_LENGTHS = (0.7, 1.5, 3.0, 6.0)
HEIGHTS = (0.5, 1.0, 2.0)
MISFITS = (0.03, 0.3)  # noise beyond the measured one
MISFITS_UNMEASURED = (*MISFITS, 1.0)  # for single seeds: the scores may be nothing but noise
# A collapse of the latents makes a cliff next to a gentle slope. One smoothness fits neither and
# puts the top too far from the cliff, so a little fine detail is always included.
DETAIL_HEIGHT, DETAIL_LENGTHS = 0.2, (0.5, 1.5)
UNKNOWN_LEVEL = 10.0  # prior standard deviation of the overall level: as good as unknown
CATEGORY_LEVEL = 2.0  # and of a category's (e.g. an objective's) offset from it
MIN_NOISE = 1e-6  # keeps a noiseless sweep's matrix positive definite in double precision
NEGLIGIBLE = 0.01  # combinations with less weight are dropped
JITTER = 1e-8 * UNKNOWN_LEVEL**2  # neighbours on a dense grid are all but equal
MAX_TOGETHER = 2000  # points drawn jointly, at cubic cost; if there are more,
KNOTS = 600  # this many are, and the others given these
MAX_BATCHED = 60  # with at most this many points, all covariances are factored together
NOISES = 32  # draws, at least, of the noise level of the scores


class Shape(NamedTuple):
    """One member of the family: lengths over log beta_norm and log latents, height, misfit.

    A height of 0 is no effect at all: levels, without a curve or fine detail. Its misfit is noise
    beyond the measured one, since all settings have the same mean.
    """

    beta: float
    latents: float
    height: float
    misfit: float


@dataclass(frozen=True)
class FittedSurface:
    """A weighted family of Gaussian processes over points (n, 2 + C).

    A point is log beta_norm, log latents, and the code of each of C categories: curves of different
    categories share one shape, but have their own levels and fine detail.

    points: (n, 2 + C) where the scores are known; values: (n,) there, centred and scaled;
    noise: (n,) their variance, known with `freedom` (n,) degrees of freedom.
    weights: posterior probability of each of the `shapes`. If the noise is measured, no effect is
        one of them, at even odds.
    flat: posterior probability, from even odds, that the score does not depend on beta or latents.
    """

    points: np.ndarray
    values: np.ndarray
    noise: np.ndarray
    freedom: np.ndarray
    shapes: tuple[Shape, ...]
    weights: np.ndarray
    centre: float
    scale: float
    flat: float

    @property
    def reach(self) -> float:
        """Average length scale of the score in log beta."""
        return float(self.weights @ [shape.beta for shape in self.shapes])

    def draw(self, points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """Means (count, n) at `points` (n, 2 + C) of functions compatible with the scores."""
        return self._draw_all(points, False, count, rng)

    def draw_settings(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Means (count, settings) of the settings themselves, which a smooth curve may miss.

        Deviations from the curve beyond seed noise are the setting's own, and are kept.
        """
        return self._draw_all(self.points, True, count, rng)

    def draw_with(self, points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """As `draw_settings`, followed by settings not tried yet, at `points` (n, 2 + C).

        Array (count, settings + n). The new settings' means, too, may deviate from a smooth curve.
        """
        return self._draw_all(np.concatenate([self.points, points]), True, count, rng)

    def _draw_all(
        self, points: np.ndarray, own: bool, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        ends = np.floor(np.cumsum(self.weights) * count + 0.5).astype(int)
        shares = np.diff(ends, prepend=0)
        draws = [
            self._draw(shape, points, own, share, max(1, count // NOISES), rng)
            for shape, share in zip(self.shapes, shares, strict=True)
            if share
        ]
        return self.centre + self.scale * np.concatenate(draws)

    def _noise_drawn(self, rng: np.random.Generator) -> np.ndarray:
        """Draws of the noise variances (n,): scaled inverse chi-squared around `noise`.

        With few seeds, the scores thus have the tails of Student's t.
        """
        known = np.isfinite(self.freedom)
        freedom = np.where(known, self.freedom, 1.0)
        return self.noise * np.where(known, freedom / rng.chisquare(freedom), 1.0)

    def imagine(self, means: np.ndarray, noise: float) -> "FittedSurface":
        """The same family as if the settings had scored `means` with `noise` times the variance."""
        return replace(
            self,
            values=(means - self.centre) / self.scale,
            noise=noise * self.noise,
            freedom=self.freedom / max(noise, 1e-9),
            shapes=tuple(s._replace(misfit=s.misfit * math.sqrt(noise)) for s in self.shapes),
        )

    def _draw(
        self,
        shape: Shape,
        points: np.ndarray,
        own: bool,
        count: int,
        block: int,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Posterior draws (count, n) of one member, corrected from draws of the prior.

        By Matheron's rule (Wilson et al. 2020, Eq. 9): the points' covariance is factored once, the
        settings' once per noise level, which `block` draws share.
        own: the points are settings, scored ones first, and their misfit is part of them, not
        noise.
        """
        every = points if own else np.concatenate([points, self.points])
        known = slice(0, len(self.points)) if own else slice(len(points), None)
        misfit = shape.misfit**2
        beyond = misfit if own and shape.height else 0.0  # the settings' own
        if len(every) <= MAX_TOGETHER:
            covariance = _covariance(shape, every, every)
            covariance[np.diag_indices_from(covariance)] += JITTER + beyond
            root = cholesky(covariance, lower=True, check_finite=False)
            prior = rng.standard_normal((count, len(every))) @ root.T
            gram, cross = covariance[known, known], covariance[known, : len(points)]
        else:
            prior = _draw_by_knots(shape, every, known, beyond, count, rng)
            cross = _covariance(shape, every[known], points)
            gram = _covariance(shape, every[known], every[known])
            gram[np.diag_indices_from(gram)] += JITTER + beyond
            if own:
                cross[np.diag_indices(len(cross))] = np.diag(gram)
        draws, at_known = prior[:, : len(points)].copy(), prior[:, known]
        for start in range(0, count, block):
            here = slice(start, start + block)
            variances = _safe(self._noise_drawn(rng) + misfit - beyond)
            scores = at_known[here] + rng.standard_normal(at_known[here].shape) * np.sqrt(variances)
            factor = cho_factor(gram + np.diag(variances), overwrite_a=True, check_finite=False)
            draws[here] += cho_solve(factor, (self.values - scores).T, check_finite=False).T @ cross
        return draws


def _draw_by_knots(
    shape: Shape,
    points: np.ndarray,
    known: slice,
    beyond: float,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws (count, n) of the prior at `points`, at a cost linear in n.

    The points that are `known`, and an evenly spaced subset of the others, are drawn jointly; each
    remaining one given these, but independently of the rest (FITC: Snelson & Ghahramani 2006). So
    the variance of every point is exact.

    beyond: the points' own variance, in addition to the curve's.
    """
    together = np.zeros(len(points), bool)
    together[known] = True
    spread = np.linspace(0, len(points) - 1, KNOTS).round().astype(int)
    together[np.lexsort(points.T)[spread]] = True
    knots, others = points[together], points[~together]
    among = _covariance(shape, knots, knots)
    among[np.diag_indices_from(among)] += JITTER + beyond
    root = cholesky(among, lower=True, overwrite_a=True, check_finite=False)
    across = _covariance(shape, knots, others)
    shared = solve_triangular(root, across, lower=True, overwrite_b=True, check_finite=False)
    alone = UNKNOWN_LEVEL**2 + CATEGORY_LEVEL**2 * (points.shape[1] - 2)
    alone += beyond
    if shape.height:
        alone += DETAIL_HEIGHT**2 + shape.height**2
    left = np.sqrt(np.maximum(alone - (shared**2).sum(axis=0), 0.0))
    white = rng.standard_normal((count, len(knots)))
    draws = np.empty((count, len(points)))
    draws[:, together] = white @ root.T
    draws[:, ~together] = white @ shared + left * rng.standard_normal((count, len(others)))
    return draws


def fit_surface(
    points: np.ndarray,
    means: np.ndarray,
    variances: np.ndarray,
    measured: bool = True,
    freedom: np.ndarray | None = None,
) -> FittedSurface:
    """Surface from mean scores `means` (n,) of noise `variances` (n,) at `points` (n, 2 + C).

    measured: whether `variances` include all noise; False for single seeds. freedom: (n,) degrees
    of freedom of the variances; by default they are exact.

    Smoothness, height and misfit are averaged over rather than fixed at their most likely values:
    with a dozen settings those would make intervals too short (Rasmussen & Williams 2006, section
    5.2).
    """
    centre, scale = float(means.mean()), float(means.std())
    if scale < 1e-9 * max(1.0, abs(centre)):  # equal scores
        scale = 1.0
    values, noise = (means - centre) / scale, variances / scale**2
    latents_lengths = LATENTS_LENGTHS if np.ptp(points[:, 1]) > 0 else LATENTS_LENGTHS[:1]
    misfits = MISFITS if measured else MISFITS_UNMEASURED
    rest = _rest(points, points)
    shapes: list[Shape] = []
    found: list[np.ndarray] = []
    for beta, latents in itertools.product(BETA_LENGTHS, latents_lengths):
        unit = _curve(Shape(beta, latents, 1.0, 0.0), points, points)  # one for all heights
        pairs = list(itertools.product(HEIGHTS, misfits))
        covariances = [rest + height**2 * unit for height, _ in pairs]
        found.append(_evidence(covariances, values, [noise + misfit**2 for _, misfit in pairs]))
        shapes += [Shape(beta, latents, height, misfit) for height, misfit in pairs]
    curved = np.concatenate(found)
    level = [_level(points, points)] * len(misfits)
    constant = _evidence(level, values, [noise + misfit**2 for misfit in misfits])
    flat = float(expit(_log_mean(constant) - _log_mean(curved)))
    weights = softmax(curved)
    kept = np.flatnonzero(weights >= min(NEGLIGIBLE, weights.max()))
    shapes, weights = [shapes[i] for i in kept], weights[kept] / weights[kept].sum()
    if measured and flat >= NEGLIGIBLE:
        # otherwise a flat curve is never believed: half the spread of equal means is still a curve
        longest = BETA_LENGTHS[-1], latents_lengths[-1]
        shapes += [Shape(*longest, 0.0, misfit) for misfit in misfits]
        weights = np.concatenate([(1 - flat) * weights, flat * softmax(constant)])
    return FittedSurface(
        points=points,
        values=values,
        noise=noise,
        freedom=np.full(len(values), math.inf) if freedom is None else freedom,
        shapes=tuple(shapes),
        weights=weights,
        centre=centre,
        scale=scale,
        flat=flat,
    )


def _level(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Covariance (a, b) of the levels: a common one, and one per category."""
    covariance = np.full((len(a), len(b)), UNKNOWN_LEVEL**2)
    for code in range(2, a.shape[1]):
        covariance += CATEGORY_LEVEL**2 * (a[:, None, code] == b[None, :, code])
    return covariance


def _rest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Covariance (a, b) of everything but the curve: levels, and fine detail within categories."""
    detail = DETAIL_HEIGHT**2 * _matern(a, b, DETAIL_LENGTHS)
    if a.shape[1] > 2:
        detail *= (a[:, None, 2:] == b[None, :, 2:]).all(axis=-1)
    return _level(a, b) + detail


def _covariance(shape: Shape, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Prior covariance (a, b) of the mean scores, without misfit."""
    return _rest(a, b) + _curve(shape, a, b) if shape.height else _level(a, b)


def _curve(shape: Shape, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return shape.height**2 * _matern(a, b, (shape.beta, shape.latents))


def _matern(a: np.ndarray, b: np.ndarray, lengths: Sequence[float]) -> np.ndarray:
    """Covariance (a, b), nu = 3/2 (Rasmussen & Williams 2006, Eq. 4.17)."""
    distance = math.sqrt(3) * cdist(a[:, :2] / lengths, b[:, :2] / lengths)
    return (1 + distance) * np.exp(-distance)


def _safe(variances: np.ndarray) -> np.ndarray:
    return np.maximum(variances, MIN_NOISE)


def _evidence(
    covariances: Sequence[np.ndarray], values: np.ndarray, variances: Sequence[np.ndarray]
) -> np.ndarray:
    """log p(values) (G,) of G Gaussian processes (Rasmussen & Williams 2006, Eq. 2.30).

    covariances: G of (n, n). variances: G of (n,), of the noise. With few points, all are factored
    together, which saves most of the time; the Cholesky factor of the matrix bordered by `values`
    has L^-1 values in its last row.
    """
    n = len(values)
    noises = _safe(np.array(variances))
    together = len(covariances) if n <= MAX_BATCHED else 1
    logs = np.empty(len(covariances))
    for start in range(0, len(covariances), together):
        here = slice(start, start + together)
        bordered = np.empty((len(noises[here]), n + 1, n + 1))
        bordered[:, :n, :n] = covariances[here]
        bordered[:, range(n), range(n)] += noises[here]
        bordered[:, n, :n] = bordered[:, :n, n] = values
        bordered[:, n, n] = 1.0 + values @ values / noises[here].min(axis=1)  # keeps it definite
        root = np.linalg.cholesky(bordered)
        white, scale = root[:, n, :n], root[:, range(n), range(n)]
        logs[here] = -(white**2).sum(axis=1) / 2 - np.log(scale).sum(axis=1)
    return logs - n * math.log(2 * math.pi) / 2


def _log_mean(logs: Sequence[float] | np.ndarray) -> float:
    return float(logsumexp(logs) - np.log(len(logs)))
