"""`random`: settings drawn from the distributions of the parameters."""

import itertools
from collections.abc import Iterator

from sweeps.search import cube
from sweeps.search.method import ATTEMPTS, Method, Past, Problem
from sweeps.sweepfile.space import Value


class Random(Method):
    """Independent draws."""

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self._points = cube.uniform(len(problem.parameters), problem.seed)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The next draws."""
        for point in itertools.islice(self._points, ATTEMPTS):
            yield cube.setting_at(self.problem.parameters, point)
