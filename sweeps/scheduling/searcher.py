"""Proposes the settings of a sweep by ask and tell, by any method."""

import enum
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from sweeps.plan import Setting
from sweeps.search import space
from sweeps.search.method import Past
from sweeps.search.methods import METHODS
from sweeps.search.space import Parameter, Value
from sweeps.sweepfile import SweepSpec

ENUMERABLE = 100_000  # spaces of up to this many points are searched without repeats

Parameters = dict[str, Value]


class Wait(enum.Enum):
    """What `ask` returns when the next proposal needs the score of an unfinished setting."""

    WAIT = "wait"


WAIT = Wait.WAIT


class Searcher:
    """The settings of one sweep, in order.

    When it proposes setting n, a method sees exactly the scores it `needs`, in order, even if more
    are known. So the same file gives the same settings on any machine, however many trials run at
    once and in whatever order they end. To resume is to ask again from the start.

    recorded: parameters of settings proposed in an earlier session, by number. They are proposed
        again unchanged, so that a newer Optuna or SciPy cannot change a sweep half-way.

    >>> searcher = Searcher(spec)                    # doctest: +SKIP
    >>> setting = searcher.ask()                     # doctest: +SKIP
    >>> searcher.tell(setting.number, 0.93)          # doctest: +SKIP
    """

    def __init__(self, spec: SweepSpec, recorded: Mapping[int, Mapping[str, Value]] | None = None):
        self._count = METHODS[spec.method].proposed(spec.problem, spec.setting_count)
        self._recorded = recorded or {}
        self._method = METHODS[spec.method](spec.problem)
        self._unique = _Unique(spec)
        self._proposed: list[Parameters] = []
        self._scores: dict[int, float | None] = {}
        self._known: list[float | None] = []  # the scores of the first settings, without a gap

    @property
    def proposed(self) -> int:
        """How many settings have been proposed so far."""
        return len(self._proposed)

    def ask(self) -> Setting | Literal[Wait.WAIT] | None:
        """The next setting; WAIT while scores it needs are missing; None after the last."""
        number = len(self._proposed)
        if number >= self._count or self._unique.exhausted:
            return None
        needed = self._method.needs(number)
        if number in self._recorded and needed > 0:  # others advance the method's sequence
            parameters = dict(self._recorded[number])
        elif len(self._known) < needed:
            return WAIT
        else:
            past = Past(self._proposed, self._known[:needed])
            parameters = self._unique.first(self._method.proposals(number, past), number)
            parameters = dict(self._recorded.get(number, parameters))
        self._unique.add(parameters)
        self._proposed.append(parameters)
        return Setting(number, parameters)

    def tell(self, number: int, score: float | None) -> None:
        """Reports the score of a setting; None or a number that is not finite means it failed."""
        if not 0 <= number < len(self._proposed):
            raise ValueError(f"setting {number} was never proposed")
        self._scores[number] = score if score is not None and math.isfinite(score) else None
        while len(self._known) in self._scores:
            self._known.append(self._scores[len(self._known)])


class _Unique:
    """The settings already proposed, in spaces so small that repeats are likely."""

    def __init__(self, spec: SweepSpec):
        self._parameters = spec.parameters
        self._seed = spec.search_seed
        size = space.size(spec.parameters)
        self._size = size if size is not None and size <= ENUMERABLE else None
        self._seen: set[tuple[Value | None, ...]] = set()

    @property
    def exhausted(self) -> bool:
        """Whether every point of the space has been proposed."""
        return self._size is not None and len(self._seen) >= self._size

    def add(self, parameters: Parameters) -> None:
        """Marks a setting as proposed."""
        if self._size is not None:
            self._seen.add(self._key(parameters))

    def first(self, candidates: Iterator[Parameters], number: int) -> Parameters:
        """The first candidate not yet proposed, or else a random point not yet proposed."""
        for parameters in candidates:
            if self._size is None or self._key(parameters) not in self._seen:
                return parameters
        values = [_all_values(p) for p in self._parameters.values()]
        points = (dict(zip(self._parameters, p, strict=True)) for p in itertools.product(*values))
        every = {self._key(s): s for s in (space.active(self._parameters, p) for p in points)}
        rest = [setting for key, setting in every.items() if key not in self._seen]
        return rest[np.random.default_rng([self._seed, number]).integers(len(rest))]

    def _key(self, parameters: Parameters) -> tuple[Value | None, ...]:
        return tuple(parameters.get(name) for name in self._parameters)


def _all_values(parameter: Parameter) -> Sequence[Value]:
    if parameter.choices is not None:
        return parameter.choices
    return range(int(parameter.low), int(parameter.high) + 1)
