"""`grid`: every combination of the values, the last parameter changing fastest."""

from collections.abc import Iterator

from sweeps.search import space
from sweeps.search.method import Method, Past, Problem
from sweeps.search.space import Value


class Grid(Method):
    """The whole grid, in order."""

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self._points = space.grid(problem.parameters)

    @classmethod
    def count(cls, problem: Problem, wanted: int | None) -> int:
        """The whole grid. Raises FieldError for a range without `points`."""
        return space.grid_size(problem.parameters)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The next point of the grid."""
        return self._points
