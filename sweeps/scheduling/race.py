"""A race over seeds: settings that may be the best get more, until one is certain enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evaluation.analysis.settings.policies import Goal
from evaluation.analysis.table import RunRow

if TYPE_CHECKING:
    from evaluation.analysis.inference.expectation import Expectation

DRAWS = 2000
# Looking after every round and stopping at the first that is certain makes claims too bold. Each
# further round spends its runs on whatever may still beat the favourite. Calibrated by simulation:
# docs/measurements.md, "What is claimed".
CONFIRMING = 4


@dataclass(frozen=True)
class Rule:
    """The rules of a race.

    fewest, most: seeds per setting. within, confidence: the race ends once the favourite is within
    `within` of the best with this probability in `rounds` rounds running. batch: runs decided on
    together. most_settings: how many settings may be tried. goal: which scores are better.
    seed: of all random draws.
    """

    fewest: int
    most: int
    within: float = 0.01
    confidence: float = 0.95
    rounds: int = CONFIRMING
    batch: int = 8
    most_settings: int = 1_000_000
    goal: Goal = "maximize"
    seed: int = 0

    def sure(self, probability: float) -> bool:
        """Whether this probability suffices to end the race."""
        return probability >= self.confidence


@dataclass(frozen=True)
class Round:
    """What to train next if the race continues; nothing if every useful seed is spent.

    seeds: how many more seeds tried settings get, by setting number. new: indices of the untried
        settings to try. favourite: the tried setting with the best expected score; None without
        scores. probability: that the favourite is within `within` of the best.
    """

    seeds: dict[int, int]
    new: tuple[int, ...]
    probability: float
    favourite: int | None = None


def decide(
    rule: Rule, number: int, rows: Sequence[RunRow], handed: Mapping[int, int], untried: np.ndarray
) -> Round:
    """Decides round `number` of a race.

    Top-two Thompson sampling (Russo 2016) with a slack as in EB-TC-epsilon (Jourdan, Degenne and
    Kaufmann 2023). Each run goes to the favourite, the setting with the best expected score, or to
    a challenger: the best setting in a posterior draw in which the favourite is more than `within`
    below it. Of the two, the run goes to the one whose mean it would make more certain. The
    posterior is the answer's surface over (log beta_norm, log latents), so a setting learns from
    its neighbours' seeds, and untried settings compete with more seeds of tried ones.

    rows: all runs with known scores. handed: seeds handed out so far by setting number, including
    those of lost runs. untried: (n, 2) log beta_norm and log latents.
    """
    left = rule.most_settings - len(handed)
    untried = untried if left > 0 else untried[:0]
    seed = int(np.random.SeedSequence([rule.seed, number]).generate_state(1)[0])
    from evaluation.analysis.inference.expectation import expect  # here, as it imports SciPy

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
    """Fills a batch. more: (C,) seeds given to each candidate."""

    def __init__(self, rule: Rule, known: "Expectation", given: np.ndarray, left: int):
        self._rule, self._given, self._noise, self._left = rule, given, known.noise, left
        self._spread = known.draws.var(axis=0)
        self.more = np.zeros(len(given), int)

    @property
    def full(self) -> bool:
        return int(self.more.sum()) >= self._rule.batch

    def one_of(self, first: int, second: int) -> None:
        """Gives a seed to one of the two candidates, if either may have more."""
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
        """How much another seed would reduce its mean's variance, given those of this batch."""
        noise = max(float(self._noise[candidate]), 1e-12)
        now = 1 / (1 / max(float(self._spread[candidate]), 1e-12) + self.more[candidate] / noise)
        return now**2 / (now + noise)
