"""Racing over seeds: more for the settings that may still be the best, until one surely is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.analysis.inference.expectation import Expectation, expect
from evaluation.analysis.settings.policies import Goal
from evaluation.analysis.table import RunRow

DRAWS = 2000


@dataclass(frozen=True)
class Rule:
    """How a race is run.

    fewest, most: seeds of a setting. within, confidence: it is over when the setting to choose is
    within `within` of the best with this probability, in two rounds running. batch: runs that are
    decided together. most_settings: how many may be tried in all. goal: what is a better score.
    seed: of all draws.
    """

    fewest: int
    most: int
    within: float = 0.01
    confidence: float = 0.95
    batch: int = 8
    most_settings: int = 1_000_000
    goal: Goal = "maximize"
    seed: int = 0

    def sure(self, probability: float) -> bool:
        """Whether a race may be over at it."""
        return probability >= self.confidence


@dataclass(frozen=True)
class Round:
    """What is decided at one moment, had the race to go on. Empty lists: nothing is left to ask.

    seeds: how many more for tried settings, by number. new: which of the untried ones to try, by
        place. favourite: the tried setting with the best expectation; None without any score.
        probability: that it is within `within` of the best, now.
    """

    seeds: dict[int, int]
    new: tuple[int, ...]
    probability: float
    favourite: int | None = None


def decide(
    rule: Rule, number: int, rows: Sequence[RunRow], handed: Mapping[int, int], untried: np.ndarray
) -> Round:
    """Round `number` of a race.

    Top-two Thompson sampling (Russo 2016) with a slack, as EB-TC-epsilon has it (Jourdan, Degenne
    and Kaufmann 2023): a run goes to the setting with the best expectation or to a challenger, one
    that is best in a draw from the posterior in which that setting is more than `within` below the
    best. Of the two it is the one whose mean one more seed would tell more about. The posterior is
    the surface over (log beta_norm, log latents) that the answer is made from, so seeds of its
    neighbours count for a setting, and settings that were not tried compete with more seeds.

    rows: of all runs whose scores are known. handed: seeds handed out so far, by setting; runs that
    were lost are among them. untried: (n, 2) log beta_norm and log latents.
    """
    left = rule.most_settings - len(handed)
    untried = untried if left > 0 else untried[:0]
    seed = int(np.random.SeedSequence([rule.seed, number]).generate_state(1)[0])
    known = expect(rows, rule.goal, untried, DRAWS, seed) if rows else None
    if known is None:
        return Round({}, (), 0.0)
    tried = len(known.settings)
    means = known.means
    loss = means.max(axis=1) - means[:, :tried].T
    favourite = int(means[:, :tried].mean(axis=0).argmax())
    leader = int(known.settings[favourite])
    beaten = np.flatnonzero(loss[favourite] > rule.within)
    probability = 1 - len(beaten) / len(known.draws)
    given = np.array([*(handed[int(s)] for s in known.settings), *[0] * len(untried)])
    pick = _Pick(rule, known, given, left)
    rng = np.random.default_rng(seed)
    for draw in rng.permutation(beaten):
        pick.one_of(favourite, int(known.draws[draw].argmax()))
        if pick.full:
            break
    settings = {int(s): n for s, n in zip(known.settings, pick.more, strict=False) if n}
    new = tuple(i for i, n in enumerate(pick.more[tried:]) if n)
    return Round(settings, new, probability, leader)


class _Pick:
    """Fills a batch. more: (C,) seeds that it gives each candidate."""

    def __init__(self, rule: Rule, known: Expectation, given: np.ndarray, left: int):
        self._rule, self._given, self._noise, self._left = rule, given, known.noise, left
        self._spread = known.draws.var(axis=0)
        self.more = np.zeros(len(given), int)

    @property
    def full(self) -> bool:
        return int(self.more.sum()) >= self._rule.batch

    def one_of(self, first: int, second: int) -> None:
        """Gives a seed to one of the two, if one may have more."""
        may = [c for c in (first, second) if self._may(c)]
        if not may:
            return
        chosen = max(may, key=self._gain)
        count = 1 if self._given[chosen] or self.more[chosen] else self._rule.fewest
        self.more[chosen] += count

    def _may(self, candidate: int) -> bool:
        if not self._given[candidate] and not self.more[candidate]:
            new = np.count_nonzero(self.more[self._given == 0])
            return bool(new < self._left)
        return bool(self._given[candidate] + self.more[candidate] < self._rule.most)

    def _gain(self, candidate: int) -> float:
        """By how much the variance of the candidate's mean would fall, with what it got already."""
        noise = max(float(self._noise[candidate]), 1e-12)
        now = 1 / (1 / max(float(self._spread[candidate]), 1e-12) + self.more[candidate] / noise)
        return now**2 / (now + noise)
