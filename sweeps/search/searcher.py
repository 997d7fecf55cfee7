"""Proposes settings by ask and tell: a grid, random points, a Sobol sequence, or Optuna's TPE."""

import enum
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sweeps.plan import Setting
from sweeps.search.tpe import Tpe
from sweeps.sweepfile import SweepSpec, space
from sweeps.sweepfile.space import Parameter, Value

STARTUP = 10  # settings that TPE takes from the Sobol sequence before it looks at scores
ENUMERABLE = 100_000  # spaces with at most so many points are searched without repeats
ATTEMPTS = 20  # draws that may fall on settings already proposed before one is taken at random

Parameters = dict[str, Value]


class Wait(enum.Enum):
    """What `ask` gives when the next proposal needs the score of a setting still at work."""

    WAIT = "wait"


WAIT = Wait.WAIT


class Searcher:
    """The settings of one sweep, in order of number; knows scores, and nothing of models or Ray.

    Setting n depends on the sweep file and, for `bayes`, on the scores of the settings
    0 … n - lookahead alone, told to Optuna in order of number; later ones count as still running,
    even when they are done. The sampler is seeded anew for each n. So one file gives the same
    settings on any machine, however many trials run at once and in whatever order they end, and
    going on after an interruption is asking again from the start.

    recorded: parameters of settings proposed in an earlier session, by number. They are proposed
        again as they are, so that a newer Optuna or SciPy cannot change a sweep half-way.

    >>> searcher = Searcher(spec)                    # doctest: +SKIP
    >>> setting = searcher.ask()                     # doctest: +SKIP
    >>> searcher.tell(setting.number, 0.93)          # doctest: +SKIP
    """

    def __init__(self, spec: SweepSpec, recorded: Mapping[int, Mapping[str, Value]] | None = None):
        self._spec = spec
        self._count = spec.setting_count
        self._recorded = recorded or {}
        self._points = _points(spec)
        self._study = _tpe(spec) if spec.method == "bayes" else None
        self._unique = _Unique(spec)
        self._asked = 0
        self._told = 0  # scores of the settings below this one have been told to the study
        self._scores: dict[int, float | None] = {}

    def ask(self) -> Setting | Literal[Wait.WAIT] | None:
        """The next setting; WAIT while it needs scores still missing; None after the last."""
        number = self._asked
        if number >= self._count or self._unique.exhausted:
            return None
        if self._study is None or number < STARTUP:
            parameters = self._unique.first(itertools.islice(self._points, ATTEMPTS), number)
        elif number in self._recorded:
            parameters = {}
        elif self._tell_study(number - self._spec.lookahead):
            parameters = self._unique.first(self._study.proposals(number), number)
        else:
            return WAIT
        parameters = dict(self._recorded.get(number, parameters))
        self._unique.add(parameters)
        if self._study is not None:
            self._study.start(number, parameters)
        self._asked += 1
        return Setting(number, parameters)

    def tell(self, number: int, score: float | None) -> None:
        """The score of a setting; None, as any number that is not finite, says that it failed."""
        if not 0 <= number < self._asked:
            raise ValueError(f"setting {number} was never proposed")
        self._scores[number] = score if score is not None and math.isfinite(score) else None

    def _tell_study(self, last: int) -> bool:
        """Tells the study all scores up to setting `last`; False when one of them is missing."""
        assert self._study is not None
        while self._told <= last:
            if self._told not in self._scores:
                return False
            self._study.finish(self._told, self._scores[self._told])
            self._told += 1
        return True


class _Unique:
    """Which settings were proposed, for spaces small enough that a repeat is likely."""

    def __init__(self, spec: SweepSpec):
        self._parameters = spec.parameters
        self._seed = spec.search_seed
        size = space.size(spec.parameters)
        self._size = size if size is not None and size <= ENUMERABLE else None
        self._seen: set[tuple[Value, ...]] = set()

    @property
    def exhausted(self) -> bool:
        """Whether every point of the space was proposed."""
        return self._size is not None and len(self._seen) >= self._size

    def add(self, parameters: Parameters) -> None:
        """Marks a setting as proposed."""
        if self._size is not None:
            self._seen.add(self._key(parameters))

    def first(self, candidates: Iterator[Parameters], number: int) -> Parameters:
        """The first candidate not yet proposed, else any point of the space not yet proposed."""
        for parameters in candidates:
            if self._size is None or self._key(parameters) not in self._seen:
                return parameters
        values = [_all_values(p) for p in self._parameters.values()]
        rest = [point for point in itertools.product(*values) if point not in self._seen]
        chosen = rest[np.random.default_rng([self._seed, number]).integers(len(rest))]
        return dict(zip(self._parameters, chosen, strict=True))

    def _key(self, parameters: Parameters) -> tuple[Value, ...]:
        return tuple(parameters[name] for name in self._parameters)


def _tpe(spec: SweepSpec) -> Tpe:
    distributions = {name: distribution(p) for name, p in spec.parameters.items()}
    return Tpe(distributions, spec.metric.goal, spec.search_seed, spec.lookahead, ATTEMPTS)


def _points(spec: SweepSpec) -> Iterator[Parameters]:
    """The settings of a method that looks at no scores; for `bayes`, its first ones."""
    if spec.method == "grid":
        return space.grid(spec.parameters)
    cube = _uniform(spec) if spec.method == "random" else _sobol(spec)
    return (_at(spec.parameters, point) for point in cube)


def _uniform(spec: SweepSpec) -> Iterator[NDArray[np.float64]]:
    random = np.random.default_rng(spec.search_seed)
    while True:
        yield random.random(len(spec.parameters))


def _sobol(spec: SweepSpec) -> Iterator[NDArray[np.float64]]:
    """A scrambled Sobol sequence: every power of two of its first points fills the cube evenly."""
    from scipy.stats import qmc  # half a second that a grid need not pay

    # in blocks of powers of two: SciPy warns of any other number
    sobol = qmc.Sobol(len(spec.parameters), rng=np.random.default_rng(spec.search_seed))
    yield from sobol.random(16)
    while True:
        yield from sobol.random(sobol.num_generated)


def _at(parameters: Mapping[str, Parameter], point: NDArray[np.float64]) -> Parameters:
    """The setting at a point of the unit cube [0, 1)^parameters."""
    plain = point.tolist()  # of Python's floats, which YAML and JSON hold
    return {name: _value(p, u) for (name, p), u in zip(parameters.items(), plain, strict=True)}


def _value(parameter: Parameter, u: float) -> Value:
    if parameter.choices is not None:
        return parameter.choices[int(u * len(parameter.choices))]
    low, high = parameter.low, parameter.high
    if parameter.whole:
        low, high = low - 0.5, high + 0.5  # so that both ends are as likely as the rest
    ratio = math.log(high / low) if parameter.log else 0.0
    value = low * math.exp(u * ratio) if parameter.log else low + u * (high - low)
    if parameter.whole:
        return min(max(round(value), int(parameter.low)), int(parameter.high))
    return min(value, high)


def distribution(parameter: Parameter) -> Any:
    """The parameter as Optuna knows it."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if parameter.choices is not None:
        return CategoricalDistribution(parameter.choices)
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _all_values(parameter: Parameter) -> Sequence[Value]:
    if parameter.choices is not None:
        return parameter.choices
    return range(int(parameter.low), int(parameter.high) + 1)
