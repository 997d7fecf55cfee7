"""`quasirandom`: a Sobol sequence, which covers the space more evenly than random draws."""

from collections.abc import Iterator

from sweeps.search import cube
from sweeps.search.method import ATTEMPTS, Method, Past, Problem
from sweeps.search.space import Value


class Quasirandom(Method):
    """The settings at the points of a scrambled Sobol sequence (Sobol 1967, Owen 1998)."""

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self._points = cube.sobol(len(problem.parameters), problem.seed)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The next points of the sequence."""
        return cube.settings_at(self.problem.parameters, self._points, ATTEMPTS)
