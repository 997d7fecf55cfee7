"""The search space: named parameters, each one value, a list of values or a range."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trainer.config.schema import FieldError

Distribution = Literal["uniform", "log_uniform", "int_uniform", "int_log_uniform"]
Value = int | float | str | bool

MOST_POINTS = 10_000


@dataclass(frozen=True)
class Parameter:
    """One searched parameter: `value`, `values`, or a range `min`..`max` (inclusive).

    distribution: how values are drawn from a range; whole numbers for the `int_` ones. Default:
    `uniform`. points: number of values of the range in a grid, ends included; evenly spaced, on a
    log scale for the `log_` ones.

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
        """Whether the range contains only whole numbers."""
        return self.distribution in ("int_uniform", "int_log_uniform")

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
            raise FieldError(f"a log range needs min above 0, got {self.min}", ("min",))
        if self.whole:
            for key, end in (("min", self.min), ("max", self.max)):
                if not isinstance(end, int):
                    problem = f"expected a whole number for {self.distribution}, got {end}"
                    raise FieldError(problem, (key,))
        if self.points is not None and not 2 <= self.points <= MOST_POINTS:
            raise FieldError(f"expected 2 to {MOST_POINTS:,}, got {self.points}", ("points",))


def grid(parameters: Mapping[str, Parameter]) -> Iterator[dict[str, Value]]:
    """Every point of the grid, the last parameter changing fastest.

    >>> list(grid({"latents": Parameter(values=(2, 5)), "beta": Parameter(values=(1.0, 4.0))}))[1]
    {'latents': 2, 'beta': 4.0}
    """
    for point in itertools.product(*(p.grid() for p in parameters.values())):
        yield dict(zip(parameters, point, strict=True))


def size(parameters: Mapping[str, Parameter]) -> int | None:
    """How many points the space has; None when one of its ranges is continuous."""
    counts = []
    for parameter in parameters.values():
        if parameter.choices is not None:
            counts.append(len(parameter.choices))
        elif parameter.whole:
            counts.append(int(parameter.high) - int(parameter.low) + 1)
        else:
            return None
    return math.prod(counts)


def contains(parameters: Mapping[str, Parameter], setting: Mapping[str, Any]) -> bool:
    """Whether a setting is in the space: its names, and values that are listed or within ranges."""
    return setting.keys() == parameters.keys() and all(
        setting[name] in parameter.choices
        if parameter.choices is not None
        else isinstance(setting[name], int | float)
        and parameter.low <= setting[name] <= parameter.high
        for name, parameter in parameters.items()
    )


def grid_size(parameters: Mapping[str, Parameter]) -> int:
    """How many points `grid` has. Raises FieldError, with the parameter's name as path."""
    total = 1
    for name, parameter in parameters.items():
        try:
            total *= len(parameter.grid())
        except FieldError as error:
            raise error.under(name) from None
    return total


def _check_values(values: tuple[Any, ...]) -> None:
    if not values:
        raise FieldError("expected at least one value", ("values",))
    seen: set[Any] = set()
    for i, value in enumerate(values):
        if value in seen:
            raise FieldError(f"{value!r} is listed twice", ("values", i))
        seen.add(value)
