"""The fewest runs that a search can do with, if it takes nothing from one setting to another."""

import math

import numpy as np

from tests.benchmarks.search.tables import Table

SAMPLED = 4000  # scores that a simulated setting's variance is measured by


def fewest_runs(table: Table, within: float, failing: float) -> float:
    """Runs on average to name a setting within `within` of the best, wrong in `failing` at most.

    The lower bound for independent Gaussian arms of known variance with several correct answers
    (Degenne & Koolen 2019; Garivier & Kaufmann 2016 for one): kl(failing, 1 - failing) / rate,
    where the rate is that of the best allocation of runs for the setting that is easiest to prove.
    A correct search may beat it only by knowing more, as that neighbours have similar scores. It
    does not know of the most seeds that a setting may have, so it may exceed the whole table.
    """
    count = next(n for n in (SAMPLED, 15) if _has(table, n))
    scores = table.draw(np.random.default_rng(0), count)
    means = table.means.ravel()
    variances = np.maximum(scores.var(axis=2, ddof=1).ravel(), 1e-6)
    good = np.flatnonzero(means >= means.max() - within)
    of_unit_rate = min(_of_unit_rate(means, variances, i, within) for i in good)
    return of_unit_rate * (1 - 2 * failing) * math.log((1 - failing) / failing)


def _of_unit_rate(means: np.ndarray, variances: np.ndarray, chosen: int, within: float) -> float:
    """Runs that give every other setting evidence of 1 nat against being better by `within`.

    With n runs of the chosen one, setting j needs variance_j / (gap_j^2 / 2 - variance / n).
    """
    others = np.arange(len(means)) != chosen
    gaps = means[chosen] - means[others] + within
    if gaps.min() <= 1e-9:
        return math.inf
    least = 2 * variances[chosen] / gaps.min() ** 2
    own = least * np.geomspace(1.0001, 1000.0, 2000)
    needed = variances[others] / (gaps**2 / 2 - variances[chosen] / own[:, None])
    return float((own + needed.sum(axis=1)).min())


def _has(table: Table, seeds: int) -> bool:
    return table.draw(np.random.default_rng(0), seeds).shape[2] == seeds
