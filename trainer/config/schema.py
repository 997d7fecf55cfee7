"""Strict reading of plain mappings (from YAML or JSON) into frozen dataclasses.

Unknown keys, missing keys and wrong types are rejected with the key's path, what was expected and
the closest known name. A dataclass may check its values in `__post_init__` by raising `FieldError`.
"""

import contextlib
import dataclasses
import difflib
import functools
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union

from trainer.errors import UserError

Path = tuple[str | int, ...]
T = TypeVar("T")
MAX_LISTED = 20  # known names in a message
MAX_NUMBER = 1e30  # in a model: its products with losses must fit into 32 bits


class FieldError(UserError):
    """An invalid value, at `path` below the mapping that was read.

    `path` is a tuple of keys and list positions; `problem` says what was expected.
    """

    def __init__(self, problem: str, path: Path = ()):
        self.problem, self.path = problem, path
        super().__init__(f"{dotted(path)}: {problem}" if path else problem)

    def under(self, *keys: str | int) -> "FieldError":
        """The same error with `keys` prepended to its path."""
        return FieldError(self.problem, (*keys, *self.path))


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """The options of an objective or likelihood that takes none."""


def dotted(path: Path) -> str:
    """`("parameters", "beta", "values", 0)` as `parameters.beta.values[0]`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def suggestion(name: object, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the closest known name, else a short list of known names."""
    known = sorted(known)
    nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if nearest:
        return f"; did you mean '{nearest[0]}'?"
    more = f", … ({len(known):,} in all)" if len(known) > MAX_LISTED else ""
    return f"; known: {', '.join(known[:MAX_LISTED])}{more}" if known else ""


def first_few(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first `most` of the names, and how many more there are: "a, b and 3 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return separator.join(names[:most]) + more


def require(condition: bool, key: str, problem: str) -> None:
    """Raises FieldError at `key` unless `condition` holds; for `__post_init__` of dataclasses."""
    if not condition:
        raise FieldError(problem, (key,))


@contextlib.contextmanager
def under(*path: str | int) -> Iterator[None]:
    """Prepends `path` to the path of a FieldError raised inside the block."""
    try:
        yield
    except FieldError as error:
        raise error.under(*path) from None


def lookup(registry: Mapping[str, T], name: object, kind: str) -> T:
    """`registry[name]`, or a FieldError naming the closest known `kind`."""
    if isinstance(name, str) and name in registry:
        return registry[name]
    raise FieldError(f"unknown {kind} {name!r}{suggestion(name, registry)}")


def build(cls: type[T], values: object) -> T:
    """An instance of the dataclass `cls` from a mapping. Raises FieldError."""
    if not isinstance(values, Mapping):
        raise FieldError(f"expected a mapping, got {_show(values)}")
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise FieldError(
                f"unknown key{suggestion(key, fields)}",
                (key if isinstance(key, str) else str(key),),
            )
    hints = _hints(cls)  # type: ignore[arg-type]  # a class is hashable, a type[T] not to mypy
    arguments = {}
    for name, field in fields.items():
        if name in values:
            try:
                arguments[name] = convert(values[name], hints[name])
            except FieldError as error:
                raise error.under(name) from None
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise FieldError("required key is missing", (name,))
    return cls(**arguments)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def build_options(cls: type[T], values: object, key: str) -> T:
    """As `build`, for the options of an objective, likelihood or metric, which are under `key`."""
    try:
        built = build(cls, values)
        for name, value in vars(built).items():
            if isinstance(value, float) and abs(value) > MAX_NUMBER:
                raise FieldError(f"expected at most {MAX_NUMBER:g}, got {value:g}", (name,))
    except FieldError as error:
        raise error.under(key) from None
    return built


def convert(value: Any, hint: Any) -> Any:
    """`value` as the type `hint`; integers pass as floats, lists as tuples. Raises FieldError."""
    if hint is Any:
        return value
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else build(hint, value)  # type: ignore[arg-type]
    if origin is Literal:
        if value in inner and type(value) in {type(choice) for choice in inner}:
            return value
        raise FieldError(f"unknown value {value!r}{suggestion(value, map(str, inner))}")
    if origin in (Union, types.UnionType):
        return _convert_union(value, inner)
    if origin in (tuple, Sequence):
        if not isinstance(value, list | tuple):
            raise FieldError(f"expected a list, got {_show(value)}")
        return tuple(_at(i, item, inner[0]) for i, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise FieldError(f"expected a mapping, got {_show(value)}")
        for key in value:
            if not isinstance(key, str):
                raise FieldError(f"expected a name as key, got {key!r}")
        return {key: _at(key, item, inner[1]) for key, item in value.items()}
    return _convert_plain(value, hint)


def _convert_plain(value: Any, hint: type) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise FieldError("expected a finite number") from None
    if hint is float and isinstance(value, float) and not math.isfinite(value):
        raise FieldError(f"expected a finite number, got {value}")
    if type(value) is hint or (hint is type(None) and value is None):
        return value
    raise FieldError(f"expected {_name(hint)}, got {_show(value)}")


def _convert_union(value: Any, choices: tuple[Any, ...]) -> Any:
    problems = []
    for choice in choices:
        try:
            return convert(value, choice)
        except FieldError as error:
            problems.append(error)
    deepest = max(problems, key=lambda error: len(error.path))
    if deepest.path:
        raise deepest
    expected = " or ".join(_name(choice) for choice in choices)
    raise FieldError(f"expected {expected}, got {_show(value)}")


def _at(key: str | int, value: Any, hint: Any) -> Any:
    try:
        return convert(value, hint)
    except FieldError as error:
        raise error.under(key) from None


def _name(hint: Any) -> str:
    names = {float: "a number", int: "an integer", str: "a string", bool: "true or false"}
    if hint is type(None):
        return "nothing"
    origin = typing.get_origin(hint)
    if origin in (tuple, Sequence):
        return "a list"
    if origin is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    if dataclasses.is_dataclass(hint) or (origin is not None and issubclass(origin, Mapping)):
        return "a mapping"
    return names.get(hint, str(hint))


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
