"""`random`: settings drawn from the distributions of the parameters."""

from collections.abc import Iterator

from sweeps.search import cube
from sweeps.search.method import ATTEMPTS, Method, Past, Problem
from sweeps.search.space import Value


class Random(Method):
    """Independent draws."""

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self._points = cube.uniform(len(problem.parameters), problem.seed)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The next draws."""
        return cube.settings_at(self.problem.parameters, self._points, ATTEMPTS)
