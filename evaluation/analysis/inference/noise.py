"""How far a setting's mean score may be off: the noise of seeds and of classifiers, kept apart."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.analysis.choose import SettingSummary

NEIGHBOURHOOD = math.log(2.0)  # settings within about a factor of two share what is known of spread
NEIGHBOURS_WEIGHT = 4.0  # as many degrees of freedom as the neighbours' spread counts for
FAR_WEIGHT = 2.0  # as many where there are no neighbours but all the sweep


@dataclass(frozen=True)
class Noise:
    """Variance components of a sweep's scores, in squared score units.

    seed: variance of a run's expected score from seed to seed, averaged over settings; nan when no
        setting has two seeds.
    classifier: variance of one classifier score around its run's mean; nan when no run has two.
    of_mean: (settings,) variance of each setting's mean over its seeds. Both components are in it.
    freedom: (settings,) degrees of freedom that each of these variances is known with; inf where
        nothing says how far it may be off.
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

    The spread over seeds differs strongly with beta: next to nothing once latents have collapsed,
    two clumps of seeds near a transition. So each setting keeps its own variance, shrunk towards
    that of its neighbours: four seeds that happen to fall in one clump must not pass for certainty.
    It is the scale of the posterior of that variance, a scaled inverse chi squared (as Smyth 2004
    has it for genes), of as many degrees of freedom as are said: two seeds alone tell little.
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

    distance = np.linalg.norm(points[:, None] - points[None], axis=-1) / NEIGHBOURHOOD
    weight = np.exp(-0.5 * distance**2) * freedom
    np.fill_diagonal(weight, 0.0)  # or a setting far from others would bear itself out
    # a setting whose whole neighbourhood has single seeds falls back on the average of the sweep
    pooled = freedom @ own / freedom.sum()
    neighbours = (weight @ own + 1e-3 * pooled) / (weight.sum(axis=1) + 1e-3)
    shrunk = (freedom * own + NEIGHBOURS_WEIGHT * neighbours) / (freedom + NEIGHBOURS_WEIGHT)
    of_mean = np.maximum(shrunk, of_run) / seeds
    known = freedom + np.clip(weight.sum(axis=1), FAR_WEIGHT, NEIGHBOURS_WEIGHT)
    return Noise(max(0.0, float(pooled) - of_run), classifier, of_mean, known)


def _classifier_variance(settings: Sequence[SettingSummary]) -> tuple[float, float]:
    """Variance of one classifier score, and its part in a run's mean (0 when unknown)."""
    runs = [row.scores for setting in settings for row in setting.rows if len(row.scores) > 1]
    if not runs:
        return math.nan, 0.0
    freedom = sum(len(scores) - 1 for scores in runs)
    variance = math.fsum((len(s) - 1) * statistics.variance(s) for s in runs) / freedom
    return variance, variance * statistics.fmean(1 / len(scores) for scores in runs)
