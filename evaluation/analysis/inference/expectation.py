"""What the runs so far say about each setting's mean score: the answer's surface, for a search."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from evaluation.analysis.choose import choose
from evaluation.analysis.inference.noise import measure_noise
from evaluation.analysis.inference.posterior import draw_means
from evaluation.analysis.settings.policies import Goal
from evaluation.analysis.table import RunRow


@dataclass(frozen=True)
class Expectation:
    """Mean scores of settings, as far as known.

    settings: numbers of the tried settings (T,) that have a score and a positive beta.
    draws: (draws, T + n) of the mean score over seeds, higher is better; those of n settings
        without a score come last.
    noise: (T + n,) variance of one seed's score around its setting's mean.
    ceiling: the highest possible score, inf if unknown; draws may exceed it, means do not.
    """

    settings: np.ndarray
    draws: np.ndarray
    ceiling: float
    noise: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """The draws as mean scores, clipped to the ceiling."""
        return np.minimum(self.draws, self.ceiling)


def expect(
    rows: Sequence[RunRow], goal: Goal, untried: np.ndarray, count: int, seed: int
) -> Expectation | None:
    """The expectation given `rows`, with the surface and noise of `answer`; None without a score.

    rows: each has the number of its setting. untried: (n, 2) log beta_norm and log latents of
    settings without a score; only where no other parameter differs. count, seed: of the draws.
    """
    choice = choose(rows, goal)
    settings = [s for s in choice.settings if s.beta > 0 and math.isfinite(s.mean)]
    if not any(setting.finished for setting in settings):
        return None
    settings.sort(key=lambda s: s.rows[0].setting)
    places = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    noise = measure_noise(settings, places)
    sign = 1.0 if goal == "maximize" else -1.0
    means = sign * np.array([setting.mean for setting in settings])
    rng = np.random.default_rng(seed)
    # more threads only wait for each other at this size, on cores that train meanwhile
    with threadpool_limits(1):
        draws = draw_means(settings, means, noise, untried, count, rng)
    of_seed = noise.of_mean * np.array([len(setting.scores) for setting in settings])
    away = np.abs(untried[:, None] - places[None]).sum(axis=2)
    return Expectation(
        settings=np.array([setting.rows[0].setting for setting in settings]),
        draws=draws,
        ceiling=choice.ceiling,
        noise=np.concatenate([of_seed, of_seed[away.argmin(axis=1)]]),
    )
