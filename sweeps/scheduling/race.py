"""A race over seeds: settings that may be the best get more, until one is certain enough."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from evaluation.analysis.inference.expectation import Expectation, expect
from evaluation.analysis.settings.policies import Goal
from evaluation.analysis.table import RunRow

DRAWS = 2000
QUANTILES = ndtri((np.arange(16) + 0.5) / 16)  # of a standard normal
# Looking after every round and stopping at the first that is certain makes claims too bold. Each
# further round spends its runs on whatever may still beat the favourite. Calibrated by simulation:
# docs/measurements.md, "What is claimed".
CONFIRMING = 4


@dataclass(frozen=True)
class Rule:
    """The rules of a race.

    most: largest number of seeds per setting. within, confidence: the race ends once the favourite
    is within `within` of the best with this probability in `rounds` rounds running. batch: runs
    per round. most_settings: how many settings may be tried. goal: which scores are better.
    seed: of all random draws.
    """

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
        settings to try, with one seed each. favourite: the tried setting with the best expected
        score; None without scores. probability: that the favourite is within `within` of the best.
    """

    seeds: dict[int, int]
    new: tuple[int, ...]
    probability: float
    favourite: int | None = None


def decide(
    rule: Rule, number: int, rows: Sequence[RunRow], handed: Mapping[int, int], untried: np.ndarray
) -> Round:
    """Decides round `number` of a race.

    Each run goes where the knowledge gradient for correlated beliefs is largest (Frazier, Powell
    and Dayanik 2009): the expected gain in the score of the setting chosen after it. The posterior
    is the answer's surface over (log beta_norm, log latents), so a run informs about its
    neighbours, and untried settings compete with more seeds of tried ones. Only contenders get
    runs: the favourite, and the best setting of every posterior draw in which the favourite is more
    than `within` below it.

    rows: all runs with known scores. handed: seeds handed out so far by setting number, including
    those of lost runs. untried: (n, 2) log beta_norm and log latents.
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
    beaten = np.flatnonzero(loss[favourite] > rule.within)
    probability = 1 - len(beaten) / len(known.draws)
    given = np.array([*(handed[int(s)] for s in known.settings), *[0] * len(untried)])
    contenders = np.unique([favourite, *known.draws[beaten].argmax(axis=1)])
    more = _allocate(rule, known, given, left, contenders)
    settings = {int(s): int(n) for s, n in zip(known.settings, more, strict=False) if n}
    new = tuple(i for i, n in enumerate(more[tried:]) if n)
    return Round(settings, new, probability, int(known.settings[favourite]))


def _allocate(
    rule: Rule, known: Expectation, given: np.ndarray, left: int, contenders: np.ndarray
) -> np.ndarray:
    """How many seeds (C,) each candidate gets in this round; a new setting gets at most one.

    given: (C,) seeds so far. left: how many new settings may be tried. contenders: the candidates
    that may get seeds.
    """
    expected, noise = known.means.mean(axis=0), np.maximum(known.noise, 1e-12)
    covariance = np.cov(known.means, rowvar=False).reshape(len(given), -1)
    more = np.zeros(len(given), int)
    while more.sum() < rule.batch:
        fresh = (more == 0) & (np.count_nonzero(more[given == 0]) < left)
        allowed = np.where(given > 0, given + more < rule.most, fresh)
        may = contenders[allowed[contenders]]
        if not len(may):
            break
        tried = given + more > 0
        gains = _gains(expected, covariance, noise, known.ceiling, tried, may)
        chosen = may[gains.argmax()]
        more[chosen] += 1
        # the variance that its score will leave; the means stay, as the score is not known yet
        seen = covariance[:, chosen]
        left_over = covariance[chosen, chosen] + noise[chosen]
        covariance = covariance - np.outer(seen, seen) / left_over
    return more


def _gains(
    expected: np.ndarray,
    covariance: np.ndarray,
    noise: np.ndarray,
    ceiling: float,
    tried: np.ndarray,
    may: np.ndarray,
) -> np.ndarray:
    """The knowledge gradient of a score of each candidate in `may`, of variance `noise` (C,).

    The choice is among those `tried` (C,) and the candidate itself. The expectation is a mean over
    quantiles of the score. Where none of these would change the choice, what counts is by how much
    the score's tails would, in favour of any one rival.
    """
    leader = int(np.where(tried, expected, -np.inf).argmax())
    rivals = tried[:, None] | (np.arange(len(expected))[:, None] == may)
    below = np.where(rivals, expected[:, None] - expected[leader], -np.inf)
    # by how much a score of may[k] moves each mean, in standard deviations of that score
    moves = covariance[:, may] / np.sqrt(covariance[may, may] + noise[may])
    room = ceiling - expected[leader]
    gain = np.mean([np.minimum(below + moves * z, room).max(axis=0) for z in QUANTILES], axis=0)
    if gain.max() > 1e-9:
        return gain
    spread = np.maximum(np.abs(moves - moves[leader]), 1e-12)
    ratio = np.clip(below / spread, -30.0, 0.0)
    tails = spread * (np.exp(-0.5 * ratio**2) / math.sqrt(2 * math.pi) + ratio * ndtr(ratio))
    return np.where(rivals, tails, 0.0).max(axis=0)
