"""The interface of search methods, which know settings and scores, but not models or Ray."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from sweeps.search import space
from sweeps.search.space import Parameter, Value

DEFAULT_SETTINGS = 30
ATTEMPTS = 20  # proposals for one setting, in case some were already proposed

Parameters = Mapping[str, Value]


@dataclass(frozen=True)
class Problem:
    """What to search.

    parameters: the space. goal: which scores are better. seed: of all random draws.
    lookahead: setting n may depend on the scores of settings 0 … n - lookahead.
    listed: the settings of a sweep file that lists them one by one.
    """

    parameters: Mapping[str, Parameter]
    goal: Literal["maximize", "minimize"] = "maximize"
    seed: int = 0
    lookahead: int = 8
    listed: tuple[Parameters, ...] = ()


@dataclass(frozen=True)
class Past:
    """What precedes setting n.

    parameters: of settings 0 … n - 1. scores: of the first `Method.needs(n)` of these; None for
        one that failed. All others count as still running, even those that have finished.
    """

    parameters: Sequence[Parameters]
    scores: Sequence[float | None]


class Method(ABC):
    """A search method, created for one problem and asked for settings 0, 1, … in that order.

    Its proposals depend only on the problem and the `Past` it is given: the same file gives the
    same settings on any machine, in whatever order trials end, and after any interruption.

    uses_scores: whether proposals depend on scores, and thus on how settings are scored.
    """

    uses_scores: ClassVar[bool] = False

    def __init__(self, problem: Problem):
        self.problem = problem

    @classmethod
    def count(cls, problem: Problem, wanted: int | None) -> int:
        """How many settings there will be if `wanted` were asked for. Raises FieldError."""
        there_are = space.size(problem.parameters)
        wanted = DEFAULT_SETTINGS if wanted is None else wanted
        return wanted if there_are is None else min(wanted, there_are)

    @classmethod
    def proposed(cls, problem: Problem, count: int) -> int:
        """How many of `count` settings the method proposes; the race chooses the others."""
        return count

    def needs(self, number: int) -> int:
        """How many settings, from the first, must be scored before `number` is proposed."""
        return 0

    @abstractmethod
    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """Setting `number`, then alternatives in case it was already proposed."""
