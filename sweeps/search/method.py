"""What a search method is: it knows settings and their scores, and nothing of models or Ray."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from sweeps.sweepfile import space
from sweeps.sweepfile.space import Parameter, Value

DEFAULT_SETTINGS = 30
ATTEMPTS = 20  # proposals for one setting that may fall on settings already proposed

Parameters = Mapping[str, Value]


@dataclass(frozen=True)
class Problem:
    """What is searched.

    parameters: the space. goal: what is a better score. seed: of all that a method draws.
    lookahead: setting n may be proposed from the scores of settings 0 … n - lookahead.
    listed: the settings that were written out one by one, where they were.
    """

    parameters: Mapping[str, Parameter]
    goal: Literal["maximize", "minimize"] = "maximize"
    seed: int = 0
    lookahead: int = 8
    listed: tuple[Parameters, ...] = ()


@dataclass(frozen=True)
class Past:
    """What came before setting n.

    parameters: of the settings 0 … n - 1. scores: of the first `Method.needs(n)` of them; None for
        one that failed. What is not among the scores counts as still running, even when it is done.
    """

    parameters: Sequence[Parameters]
    scores: Sequence[float | None]


class Method(ABC):
    """One way to search, made for one problem and asked for setting 0, 1, … in that order.

    What it proposes depends on the problem and on what it is given of the past alone: one file
    gives the same settings on any machine, in whatever order trials end, and after any kill.

    uses_scores: whether proposals depend on scores, and so on how settings are scored.
    """

    uses_scores: ClassVar[bool] = False

    def __init__(self, problem: Problem):
        self.problem = problem

    @classmethod
    def count(cls, problem: Problem, wanted: int | None) -> int:
        """How many settings there will be, of `wanted`. Raises FieldError."""
        there_are = space.size(problem.parameters)
        wanted = DEFAULT_SETTINGS if wanted is None else wanted
        return wanted if there_are is None else min(wanted, there_are)

    @classmethod
    def proposed(cls, problem: Problem, count: int) -> int:
        """How many of `count` settings it proposes itself; the others are up to a race."""
        return count

    def needs(self, number: int) -> int:
        """How many of the first settings must have their scores before `number` is proposed."""
        return 0

    @abstractmethod
    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """Setting `number`, then what else it may be where that was proposed already."""
