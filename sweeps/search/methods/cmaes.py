"""`cmaes`: CMA-ES, for several numeric parameters that interact."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeps.search import cube
from sweeps.search.method import Method, Past, Problem
from sweeps.search.space import Value

if TYPE_CHECKING:
    import cmaes

STEP = 0.3  # initial standard deviation, as a fraction of each parameter's range
NEAR_ONE = float(np.nextafter(1.0, 0.0))


class CmaEs(Method):
    """Generations from a normal distribution that moves towards the better half (Hansen 2016).

    It searches the unit cube that the space is mapped onto; listed values become a range, in their
    order. A generation is proposed at once, and the next one needs all of its scores. A failed
    setting counts as the worst of its generation.
    """

    uses_scores = True

    def __init__(self, problem: Problem):
        super().__init__(problem)
        from cmaes import CMA

        size = max(2, len(problem.parameters))  # `cmaes` needs two; an extra one is ignored
        self._cma: cmaes.CMA = CMA(
            mean=np.full(size, 0.5),
            sigma=STEP,
            bounds=np.tile([0.0, 1.0], (size, 1)),
            seed=problem.seed,
        )
        self._size = self._cma.population_size
        self._points: list[NDArray[np.float64]] = []  # by number

    def needs(self, number: int) -> int:
        """All settings of earlier generations."""
        return number // self._size * self._size

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The setting in its generation; there are no alternatives."""
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
