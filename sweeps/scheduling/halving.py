"""Which settings continue when unfinished ones are compared: successive halving, in rounds."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.analysis.settings.policies import Goal
from sweeps.sweepfile.early_stop import EarlyStop

CONFIDENCE = 0.95  # that a setting is worse than the leader, before it is dropped

Scores = Mapping[int, Sequence[float | None]]


def survivors(rule: EarlyStop, scores: Scores, goal: Goal) -> set[int]:
    """The settings that continue, by number.

    Successive halving (Jamieson and Talwalkar 2016): a share of the settings continues, those with
    the best means over seeds. It is the synchronous form: ASHA (Li et al. 2020) compares whatever
    has arrived, so its choice depends on which trial happens to be ahead. Seeds are never dropped
    one by one, which would bias the mean of their setting. Unlike in the original, a setting also
    continues unless it is worse than the leader with probability CONFIDENCE (one-sided t test with
    the variance between seeds pooled over settings): two seeds rarely settle the order.

    The median rule (Golovin et al. 2017) drops the settings whose mean is worse than the median.

    scores: one per run of each setting; None for a run that diverged, which counts as the worst of
        all. A setting without any cannot be compared, and continues.
    """
    sign = 1.0 if goal == "maximize" else -1.0
    known = [sign * s for each in scores.values() for s in each if s is not None]
    if not known:
        return set(scores)
    worst = min(known)
    values = {
        setting: np.array([worst if s is None else sign * s for s in each])
        for setting, each in sorted(scores.items())
        if each
    }
    means = {setting: float(value.mean()) for setting, value in values.items()}
    stay = scores.keys() - values.keys()
    if rule.halving is None:
        middle = float(np.median(list(means.values())))
        return stay | {setting for setting, mean in means.items() if mean >= middle}
    order = sorted(means, key=lambda setting: (-means[setting], setting))
    stay |= set(order[: math.ceil(rule.halving.keep * len(order))])
    return stay | _not_worse(values, order[0])


def _not_worse(values: Mapping[int, np.ndarray], leader: int) -> set[int]:
    """Those that may be as good as the leader; none where there is one seed per setting."""
    from scipy.special import stdtrit  # slow to import, and rarely needed

    freedom = sum(len(value) - 1 for value in values.values())
    if not freedom:
        return set()
    variance = sum(float(((v - v.mean()) ** 2).sum()) for v in values.values()) / freedom
    first = values[leader]
    limit = float(stdtrit(freedom, CONFIDENCE))
    return {
        setting
        for setting, value in values.items()
        if first.mean() - value.mean()
        <= limit * math.sqrt(variance * (1 / len(value) + 1 / len(first)))
    }
