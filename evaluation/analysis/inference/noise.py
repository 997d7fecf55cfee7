"""The error of a setting's mean score: the noise of seeds and of classifiers, separately."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from evaluation.analysis.settings.summary import SettingSummary

NEIGHBOURHOOD = math.log(2.0)  # settings within about a factor of two inform each other's variance
MAX_PAIRED = 2000  # settings that are compared one by one; if there are more,
PLACE = 0.05  # those that differ by less count as being in one place
NEIGHBOURS_WEIGHT = 4.0  # degrees of freedom that the neighbours' variance counts for
FAR_WEIGHT = 2.0  # the same for the whole sweep, if a setting has no neighbours


@dataclass(frozen=True)
class Noise:
    """Variance components of a sweep's scores, in squared score units.

    seed: variance of a run's expected score from seed to seed, averaged over settings; nan when no
        setting has two seeds.
    classifier: variance of one classifier score around its run's mean; nan when no run has two.
    of_mean: (settings,) variance of each setting's mean over its seeds, from both components.
    freedom: (settings,) degrees of freedom of each of these variances; inf where unknown.
    """

    seed: float
    classifier: float
    of_mean: np.ndarray
    freedom: np.ndarray

    def only(self, mask: np.ndarray) -> "Noise":
        """The noise of the settings where `mask` (settings,) holds."""
        return replace(self, of_mean=self.of_mean[mask], freedom=self.freedom[mask])


def measure_noise(settings: Sequence[SettingSummary], points: np.ndarray) -> Noise:
    """Variance components of settings at `points` (settings, 2): log beta_norm, log latents.

    The variance over seeds depends strongly on beta: almost none once latents have collapsed, two
    clusters of seeds near a transition. So each setting keeps its own variance, shrunk towards its
    neighbours': four seeds that happen to fall into one cluster must not look certain. It is the
    scale of the posterior of that variance, a scaled inverse chi-squared (as in Smyth 2004 for
    genes), with the stated degrees of freedom: two seeds say little.
    """
    classifier, of_run = _classifier_variance(settings)
    seeds = np.array([len(setting.scores) for setting in settings])
    freedom = seeds - 1.0
    own = np.array([statistics.variance(s.scores) if len(s.scores) > 1 else 0.0 for s in settings])
    if freedom.sum() == 0:
        return Noise(
            math.nan,
            classifier,
            np.full(len(settings), of_run),
            np.full(len(settings), math.inf),
        )

    # a setting without a neighbour with several seeds falls back on the average of the sweep
    pooled = freedom @ own / freedom.sum()
    spread, weight = _around(points, own, freedom)
    neighbours = (spread + 1e-3 * pooled) / (weight + 1e-3)
    shrunk = (freedom * own + NEIGHBOURS_WEIGHT * neighbours) / (freedom + NEIGHBOURS_WEIGHT)
    of_mean = np.maximum(shrunk, of_run) / seeds
    known = freedom + np.clip(weight, FAR_WEIGHT, NEIGHBOURS_WEIGHT)
    return Noise(max(0.0, float(pooled) - of_run), classifier, of_mean, known)


def _around(
    points: np.ndarray, own: np.ndarray, freedom: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums (settings,) over each setting's neighbours: of weighted variances, and of weights.

    A setting is no neighbour of itself: else one far from all others would confirm itself. If there
    are very many settings, those in one place are equally near to all others.
    """
    if len(points) <= MAX_PAIRED:
        distance = np.linalg.norm(points[:, None] - points[None], axis=-1) / NEIGHBOURHOOD
        weight = np.exp(-0.5 * distance**2) * freedom
        np.fill_diagonal(weight, 0.0)
        return weight @ own, weight.sum(axis=1)
    places, place = np.unique(np.round(points / PLACE), axis=0, return_inverse=True)
    place = place.ravel()
    closeness = np.exp(-0.5 * (cdist(places, places) * PLACE / NEIGHBOURHOOD) ** 2)
    spread = (closeness @ np.bincount(place, freedom * own))[place] - freedom * own
    weight = (closeness @ np.bincount(place, freedom))[place] - freedom
    return np.maximum(spread, 0.0), np.maximum(weight, 0.0)


def _classifier_variance(settings: Sequence[SettingSummary]) -> tuple[float, float]:
    """Variance of one classifier score, and what it adds to that of a run's mean (0 if unknown)."""
    runs = [row.scores for setting in settings for row in setting.rows if len(row.scores) > 1]
    if not runs:
        return math.nan, 0.0
    freedom = sum(len(scores) - 1 for scores in runs)
    variance = math.fsum((len(s) - 1) * statistics.variance(s) for s in runs) / freedom
    return variance, variance * statistics.fmean(1 / len(scores) for scores in runs)
