"""The standing of each tested setting: is it as good as the best, and which one should be used?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.analysis.settings.summary import SettingSummary

CLEAR = 0.8  # default probability of being as good as the best that counts as certain
GOOD = 0.5  # at least this probability counts as good: more likely than not
APART = 0.5  # share of an uncertain favourite's probability below which a setting is not tied


@dataclass(frozen=True)
class Standing:
    """One tested setting in comparison with all of them.

    expected, low, high: its mean score over seeds, with the answer's interval, from the surface.
    probability_within: that this mean is within `within` of the best setting's.
    expected_loss: how far below the best setting's it is on average.
    probability_best: that no other tested setting has a higher mean score.
    good: whether it is more likely than not within `within` of the best.
    tied: whether the metric cannot tell it from its favourite: certain to be good if the favourite
        is, otherwise at least half as probable.
    """

    setting: SettingSummary
    expected: float
    low: float
    high: float
    probability_within: float
    expected_loss: float
    probability_best: float
    good: bool
    tied: bool


def rank(
    settings: Sequence[SettingSummary],
    draws: np.ndarray,
    sign: float,
    level: float,
    within: float,
    confidence: float = CLEAR,
    ceiling: float = math.inf,
) -> tuple[Standing, ...]:
    """Standings of `settings` by expected score, best first: the first is the metric's favourite.

    draws: (draws, settings) of their mean scores, higher is better. sign: -1 where lower scores are
    better. within: in units of the score. confidence: required probability of being as good as the
    best. ceiling: the highest possible score. Draws are normal and may exceed it, which no true
        mean does, so they are clipped to it.
    """
    means = np.minimum(draws, ceiling)
    loss = means.max(axis=1, keepdims=True) - means
    expected = means.mean(axis=0)
    share_within = (loss <= within).mean(axis=0)
    share_best = np.bincount(draws.argmax(axis=1), minlength=len(settings)) / len(draws)
    bounds = np.quantile(sign * means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    order = np.argsort(-expected, kind="stable")
    favourite = share_within[order[0]]
    least = confidence if favourite >= confidence else APART * favourite
    return tuple(
        Standing(
            setting=settings[i],
            expected=sign * float(expected[i]),
            low=float(bounds[0, i]),
            high=float(bounds[1, i]),
            probability_within=float(share_within[i]),
            expected_loss=float(loss[:, i].mean()),
            probability_best=float(share_best[i]),
            good=bool(share_within[i] >= GOOD),
            tied=bool(i == order[0] or share_within[i] >= least),
        )
        for i in order
    )


def recommend(standings: Sequence[Standing]) -> Standing:
    """The one to use among those that the metric cannot tell apart.

    It is the one that keeps the most factors, then the one that reconstructs best, among those with
    comparable likelihoods. A setting whose models mostly collapsed comes last.
    """
    tied = [standing for standing in standings if standing.tied]
    sound = [s for s in tied if 2 * s.setting.health.collapsed < s.setting.seeds] or tied
    most = max(factors_kept(s.setting) for s in sound)
    keeping = [s for s in sound if factors_kept(s.setting) == most]
    best = faithful([s.setting for s in keeping])
    return next((s for s in keeping if s.setting is best), keeping[0])


def factors_kept(setting: SettingSummary) -> int:
    """How many factors its models' codes contain; 0 where not measured."""
    return sum(knowledge.encoded for knowledge in setting.factors.values())


def faithful(settings: Sequence[SettingSummary]) -> SettingSummary | None:
    """The one that reconstructs best among those with the first one's likelihood; None if unknown.

    log p(x|z) under different likelihoods are densities over different things: incomparable.
    """
    known = [s for s in settings if math.isfinite(s.reconstruction)]
    same = [s for s in known if likelihood_of(s) == likelihood_of(known[0])]
    return max(same, key=lambda setting: setting.reconstruction, default=None)


def comparable(settings: Sequence[SettingSummary], to: SettingSummary) -> list[SettingSummary]:
    """Those whose reconstruction is known and in the same units as the reconstruction of `to`."""
    same = (s for s in settings if likelihood_of(s) == likelihood_of(to))
    return [setting for setting in same if math.isfinite(setting.reconstruction)]


def likelihood_of(setting: SettingSummary) -> tuple[tuple[str, str], ...]:
    """What varies in a setting's likelihood, by name: settings that agree can be compared."""
    return tuple(
        sorted((k, repr(v)) for k, v in setting.parameters.items() if k.startswith("likelihood"))
    )
