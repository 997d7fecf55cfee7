"""`list`: settings written out one by one, e.g. for parameters that change in pairs."""

from collections.abc import Iterator

from sweeps.search.method import Method, Past, Problem
from sweeps.search.space import Value


class Listed(Method):
    """The settings listed in the sweep file under `settings`, in order."""

    @classmethod
    def count(cls, problem: Problem, wanted: int | None) -> int:
        """The number of listed settings."""
        return len(problem.listed)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The setting of this number."""
        yield dict(self.problem.listed[number])
