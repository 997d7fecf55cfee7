"""A rival to the race: asynchronous successive halving over seeds, with the same ask and tell."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from evaluation.analysis.table import RunRow
from sweeps.plan import Setting
from sweeps.scheduling.schedule import Work
from sweeps.scheduling.searcher import Wait
from sweeps.search import space
from sweeps.search.space import Parameter

RUNGS = (1, 3, 10)  # seeds in all; each rung keeps the better third of the one below
FACTOR = 3


class Halving:
    """ASHA (Li et al. 2020, Algorithm 2) with seeds as the resource and settings in random order.

    Ray Tune's and Optuna's ASHA stop a run at a step of its training. A table has only final
    scores, and what is in doubt here is the mean over seeds, so a rung is a number of seeds.
    """

    def __init__(self, parameters: Mapping[str, Parameter], seed: int):
        settings = list(space.grid(parameters))
        order = np.random.default_rng(seed).permutation(len(settings))
        self._waiting = [Setting(number, settings[i]) for number, i in enumerate(order)]
        self._settings: dict[int, Setting] = {}
        self._scores: dict[int, list[float]] = {}
        self._done: list[dict[int, float]] = [{} for _ in RUNGS]  # mean score by setting
        self._promoted: list[set[int]] = [set() for _ in RUNGS]
        self.probability: float | None = None
        self.favourite: int | None = None

    def ask(self) -> Work | Literal[Wait.WAIT] | None:
        """A promotion where one is due, from the highest rung down, else a new setting."""
        for rung in reversed(range(len(RUNGS) - 1)):
            done = self._done[rung]
            best = sorted(done, key=lambda n: -done[n])[: len(done) // FACTOR]
            for number in best:
                if number not in self._promoted[rung]:
                    self._promoted[rung].add(number)
                    seeds = tuple(range(RUNGS[rung], RUNGS[rung + 1]))
                    return Work(self._settings[number], seeds)
        if not self._waiting:
            return None
        setting = self._waiting.pop(0)
        self._settings[setting.number] = setting
        return Work(setting, tuple(range(RUNGS[0])))

    def tell(self, work: Work, rows: Sequence[RunRow]) -> None:
        """Scores of the seeds that were asked for."""
        scores = self._scores.setdefault(work.setting.number, [])
        scores += [math.fsum(row.scores) / len(row.scores) for row in rows]
        self._done[RUNGS.index(len(scores))][work.setting.number] = float(np.mean(scores))
