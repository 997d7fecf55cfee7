"""The search space: named parameters, each one value, a list of values or a range.

A parameter with `when` is active only for certain values of other parameters, like an option that
only one objective has. A setting contains only its active parameters.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trainer.config.schema import FieldError

Distribution = Literal["uniform", "log_uniform", "int_uniform", "int_log_uniform"]
Value = int | float | str | bool

MAX_POINTS = 10_000


@dataclass(frozen=True)
class Parameter:
    """One searched parameter: `value`, `values`, or a range `min`..`max` (inclusive).

    distribution: how a range is sampled; integers for the `int_` ones. Default: `uniform`.
    points: how many values of the range a grid uses, ends included; evenly spaced, in the
        logarithm for the `log_` ones.
    when: for each named parameter, the values for which this one is active.

    Raises FieldError when the keys contradict each other or the range is empty.

    >>> Parameter(min=0.01, max=1, distribution="log_uniform", points=3).grid()
    (0.01, 0.1, 1.0)
    """

    value: Value | None = None
    values: tuple[Value, ...] | None = None
    min: int | float | None = None
    max: int | float | None = None
    distribution: Distribution | None = None
    points: int | None = None
    when: Mapping[str, tuple[Value, ...]] | None = None

    def __post_init__(self) -> None:
        kinds = (self.value is not None, self.values is not None, not self.no_range())
        if sum(kinds) != 1:
            raise FieldError("expected one of: value; values; min and max")
        if self.values is not None:
            _check_values(self.values)
        if self.is_range:
            self._check_range()

    @property
    def is_range(self) -> bool:
        """Whether this is a range, not a value or a list of values."""
        return not self.no_range()

    @property
    def choices(self) -> tuple[Value, ...] | None:
        """The values to choose from (one for `value`); None for a range."""
        if self.value is not None:
            return (self.value,)
        return self.values

    @property
    def low(self) -> float:
        """Lower end of a range."""
        assert self.min is not None, "not a range"
        return self.min

    @property
    def high(self) -> float:
        """Upper end of a range."""
        assert self.max is not None, "not a range"
        return self.max

    @property
    def log(self) -> bool:
        """Whether the range is on a log scale."""
        return self.distribution in ("log_uniform", "int_log_uniform")

    @property
    def whole(self) -> bool:
        """Whether the range contains only integers."""
        return self.distribution in ("int_uniform", "int_log_uniform")

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether it is active for these values of the others."""
        return all(values.get(name) in needed for name, needed in (self.when or {}).items())

    def no_range(self) -> bool:
        """Whether no key of a range is given."""
        return all(x is None for x in (self.min, self.max, self.distribution, self.points))

    def grid(self) -> tuple[Value, ...]:
        """The values in a grid. Raises FieldError for a range without `points`."""
        if self.choices is not None:
            return self.choices
        if self.points is None:
            raise FieldError("a grid needs `points` (how many values of the range) or `values`")
        fractions = [i / (self.points - 1) for i in range(self.points)]
        if self.log:
            ratio = math.log(self.high / self.low)
            inner = [self.low * math.exp(ratio * f) for f in fractions[1:-1]]
        else:
            inner = [self.low + (self.high - self.low) * f for f in fractions[1:-1]]
        if self.whole:
            whole = [int(self.low), *map(round, inner), int(self.high)]
            return tuple(dict.fromkeys(whole))  # near the low end of a log range some coincide
        # ten significant digits: 0.1, not 0.10000000000000002, in tables, plots and run names
        return (float(self.low), *(float(f"{x:.10g}") for x in inner), float(self.high))

    def _check_range(self) -> None:
        if self.min is None or self.max is None:
            raise FieldError("a range needs both min and max")
        if self.min >= self.max:
            raise FieldError(f"empty range: min {self.min} is not below max {self.max}", ("min",))
        if self.log and self.min <= 0:
            raise FieldError(f"a log range needs a positive min, got {self.min}", ("min",))
        if self.whole:
            for key, end in (("min", self.min), ("max", self.max)):
                if not isinstance(end, int):
                    problem = f"expected an integer for {self.distribution}, got {end}"
                    raise FieldError(problem, (key,))
        if self.points is not None and not 2 <= self.points <= MAX_POINTS:
            raise FieldError(f"expected 2 to {MAX_POINTS:,}, got {self.points}", ("points",))


def grid(parameters: Mapping[str, Parameter]) -> Iterator[dict[str, Value]]:
    """Every point of the grid, the last parameter changing fastest.

    >>> list(grid({"latents": Parameter(values=(2, 5)), "beta": Parameter(values=(1.0, 4.0))}))[1]
    {'latents': 2, 'beta': 4.0}
    """
    conditional = any(parameter.when for parameter in parameters.values())
    seen: set[tuple[tuple[str, Value], ...]] = set()
    for point in itertools.product(*(p.grid() for p in parameters.values())):
        setting = active(parameters, dict(zip(parameters, point, strict=True)))
        if conditional:
            key = tuple(setting.items())
            if key in seen:
                continue
            seen.add(key)
        yield setting


def active(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> dict[str, Value]:
    """The active parameters among these values, one for every parameter.

    >>> space = {"a": Parameter(values=(1, 2)), "b": Parameter(value=3, when={"a": (2,)})}
    >>> active(space, {"a": 1, "b": 3}), active(space, {"a": 2, "b": 3})
    ({'a': 1}, {'a': 2, 'b': 3})
    """
    return {name: values[name] for name, p in parameters.items() if p.applies(values)}


def first(parameters: Mapping[str, Parameter]) -> dict[str, Value]:
    """The first value of every parameter, or the low end of its range, whether active or not.

    `active` turns it into a setting.
    """
    return {n: p.low if p.choices is None else p.choices[0] for n, p in parameters.items()}


def conditions(parameter: Parameter) -> list[dict[str, Value]]:
    """The values of others for which a parameter is active; one empty mapping if it always is."""
    when = parameter.when or {}
    return [dict(zip(when, point, strict=True)) for point in itertools.product(*when.values())]


def check_conditions(parameters: Mapping[str, Parameter]) -> None:
    """Raises FieldError, its path starting at the parameter, for a `when` that cannot be met."""
    for name, parameter in parameters.items():
        for other, needed in (parameter.when or {}).items():
            path = (name, "when", other)
            found = parameters.get(other)
            if found is None:
                raise FieldError(
                    f"not a parameter of this sweep; use one of {', '.join(parameters)}", path
                )
            if found.choices is None or found.when:
                problem = f"needs {other} to be a list of values, without a `when` of its own"
                raise FieldError(problem, path)
            for value in needed:
                if value not in found.choices:
                    listed = ", ".join(map(str, found.choices))
                    raise FieldError(f"{other} is never {value!r}; it is one of {listed}", path)


def size(parameters: Mapping[str, Parameter]) -> int | None:
    """How many points the space has; None when one of its ranges is continuous."""
    if any(p.choices is None and not p.whole for p in parameters.values()):
        return None
    return _total(
        parameters,
        lambda _, p: int(p.high) - int(p.low) + 1 if p.choices is None else len(p.choices),
    )


def is_whole(parameters: Mapping[str, Parameter], setting: Mapping[str, Any]) -> bool:
    """Whether a setting has a value for each active parameter, and no others."""
    return setting.keys() == {name for name, p in parameters.items() if p.applies(setting)}


def contains(parameters: Mapping[str, Parameter], setting: Mapping[str, Any]) -> bool:
    """Whether a setting is in the space: its names, and values that are listed or within ranges."""
    return is_whole(parameters, setting) and all(
        setting[name] in parameter.choices
        if parameter.choices is not None
        else isinstance(setting[name], int | float)
        and parameter.low <= setting[name] <= parameter.high
        for name, parameter in parameters.items()
        if name in setting
    )


def grid_size(parameters: Mapping[str, Parameter]) -> int:
    """How many points `grid` has. Raises FieldError, with the parameter's name as path."""

    def count(name: str, parameter: Parameter) -> int:
        try:
            return len(parameter.grid())
        except FieldError as error:
            raise error.under(name) from None

    return _total(parameters, count)


def _total(parameters: Mapping[str, Parameter], count: Callable[[str, Parameter], int]) -> int:
    """How many settings there are, given the number of values of each parameter."""
    others = sorted({name for p in parameters.values() for name in p.when or ()})
    total = 0
    for point in itertools.product(*(parameters[name].grid() for name in others)):
        given = dict(zip(others, point, strict=True))
        total += math.prod(
            count(name, parameter)
            for name, parameter in parameters.items()
            if name not in given and parameter.applies(given)
        )
    return total


def _check_values(values: tuple[Any, ...]) -> None:
    if not values:
        raise FieldError("expected at least one value", ("values",))
    seen: set[Any] = set()
    for i, value in enumerate(values):
        if value in seen:
            raise FieldError(f"{value!r} is listed twice", ("values", i))
        seen.add(value)
