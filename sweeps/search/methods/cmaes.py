"""`cmaes`: CMA-ES, for several numeric parameters that act together."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeps.search import cube
from sweeps.search.method import Method, Past, Problem
from sweeps.sweepfile.space import Value

if TYPE_CHECKING:
    import cmaes

STEP = 0.3  # first standard deviation, as a part of each parameter's range
NEAR_ONE = float(np.nextafter(1.0, 0.0))


class CmaEs(Method):
    """Generations drawn from a normal distribution that follows the better half (Hansen 2016).

    It walks in the unit cube that the space is spread over; a list of values is a range there, in
    the order in which they are listed. A generation is proposed at once, and the next one needs all
    of its scores. A failed setting counts as the worst of its generation.
    """

    uses_scores = True

    def __init__(self, problem: Problem):
        super().__init__(problem)
        from cmaes import CMA

        size = max(
            2, len(problem.parameters)
        )  # of one alone it cannot; the second is not looked at
        self._cma: cmaes.CMA = CMA(
            mean=np.full(size, 0.5),
            sigma=STEP,
            bounds=np.tile([0.0, 1.0], (size, 1)),
            seed=problem.seed,
        )
        self._size = self._cma.population_size
        self._points: list[NDArray[np.float64]] = []  # by number

    def needs(self, number: int) -> int:
        """All settings of the generations before."""
        return number // self._size * self._size

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """Its place in its generation; there is no second choice."""
        while len(self._points) <= number:
            if self._points:
                self._learn(past)
            self._points += [self._cma.ask() for _ in range(self._size)]
        point = self._points[number].clip(0.0, NEAR_ONE)[: len(self.problem.parameters)]
        yield cube.setting_at(self.problem.parameters, point)

    def _learn(self, past: Past) -> None:
        last = range(len(self._points) - self._size, len(self._points))
        sign = -1.0 if self.problem.goal == "maximize" else 1.0
        costs = [None if (s := past.scores[n]) is None else sign * s for n in last]
        worst = max((cost for cost in costs if cost is not None), default=0.0)
        found = [worst if cost is None else cost for cost in costs]
        self._cma.tell([(self._points[n], cost) for n, cost in zip(last, found, strict=True)])
