"""YAML files that know the line of each key, so that an error can name file, line and key.

The YAML read here is a plain subset of YAML 1.2: mappings with string keys, lists, strings,
numbers, true/false, null. `1e-3` and `300_000` are numbers; `yes`, `1:30` and dates are strings.
Aliases, tags and duplicate keys are rejected: in a one-page file they would only hide mistakes.
"""

import copy
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from trainer.config.schema import FieldError, dotted
from trainer.config.schema import Path as KeyPath
from trainer.errors import UserError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_MESSAGE = 600


@dataclass(frozen=True)
class Document:
    """A YAML file as read.

    path: the file's name as the user gave it.
    text: the file as read, without the overrides.
    value: the mapping it contains, with overrides applied.
    lines: 1-based line of each key and list item, by its key path.
    overrides: the `key=value` strings that were applied, by the path that each one set.
    """

    path: str
    text: str
    value: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    overrides: Mapping[KeyPath, str] = field(default_factory=dict)

    def error(self, error: FieldError) -> UserError:
        """`error` as one line naming the file and line, or the override, and the key."""
        key = f"{dotted(error.path)}: " if error.path else ""
        for end in range(len(error.path), -1, -1):
            path = error.path[:end]
            if path in self.overrides:
                return UserError(one_line(f"{self.overrides[path]}: {key}{error.problem}"))
            if path in self.lines:
                return located(self.path, self.lines[path], f"{key}{error.problem}")
        return located(self.path, 1, f"{key}{error.problem}")


def read(path: str | Path, overrides: Sequence[str] = ()) -> Document:
    """The YAML file at `path`, with `key.key=value` overrides applied. Raises UserError."""
    text = _read_text(Path(path))
    value, lines = _parse(text, str(path))
    if not isinstance(value, dict):
        found = "nothing" if value is None else "a list" if isinstance(value, list) else "a string"
        raise located(path, 1, f"expected a mapping (key: value) at the top, got {found}")
    document = Document(str(path), text, value, lines)
    for change in overrides:
        document = override(document, change)
    return document


def override(document: Document, text: str) -> Document:
    """`document` with one `key.key=value` applied; value is read as YAML. Raises UserError."""
    key, equals, given = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise UserError(one_line(f"{text}: expected key=value, e.g. trainer.steps=1000"))
    try:
        new, _ = _parse(given, "")
    except UserError as error:
        problem = str(error).removeprefix(":1: ")
        raise UserError(one_line(f"{text}: the value is not YAML: {problem}")) from None
    placed, path = put(document, key, new)
    return replace(placed, overrides={**placed.overrides, path: text})


def put(document: Document, key: str, new: Any) -> tuple[Document, KeyPath]:
    """`document` with a new value under a dotted key, and the path that the key names.

    The lines and overrides of the old value are dropped.
    """
    value = copy.deepcopy(dict(document.value))
    path = _path_of(value, key.split("."))
    inner = value
    for step in path[:-1]:
        below = inner.get(step, {})
        if not isinstance(below, dict):
            below = {"name": below}  # `dataset: dsprites` stands for `dataset: {name: dsprites}`
        inner[step] = below
        inner = below
    inner[path[-1]] = new
    overrides = {p: text for p, text in document.overrides.items() if p[: len(path)] != path}
    lines = {p: line for p, line in document.lines.items() if p[: len(path)] != path}
    return replace(document, value=value, lines=lines, overrides=overrides), path


def dump(value: Mapping[str, Any], comment: str = "") -> str:
    """`value` as YAML that `read` can read back, under a one-line comment."""
    head = f"# {one_line(comment)}\n" if comment else ""
    return head + yaml.dump(value, Dumper=_Dumper, sort_keys=False)


def located(path: str | Path, line: int, message: str) -> UserError:
    """A UserError of the form `FILE:LINE: message`, on one line."""
    return UserError(one_line(f"{path}:{line}: {message}"))


def one_line(text: str) -> str:
    """`text` with control characters shown as escapes, cut to a readable length."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown if len(shown) <= MAX_MESSAGE else shown[: MAX_MESSAGE - 3] + "..."


def _read_text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(one_line(f"{path}: cannot be read: {reason}")) from None
    if len(data) > MAX_BYTES:
        raise UserError(one_line(f"{path}: too large for a sweep file ({MAX_BYTES // 1024} KiB)"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise located(path, line, "not UTF-8 text") from None


class _Loader(yaml.SafeLoader):
    """PyYAML's loader with a plain set of scalars, no aliases and bounded depth."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _marked(event, "aliases are not supported")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _marked(event, f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


_PREFIX = "tag:yaml.org,2002:"
_SCALARS = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9][0-9_]*",
    "float": r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?",
}
for _name, _pattern in _SCALARS.items():
    _Loader.add_implicit_resolver(_PREFIX + _name, re.compile(rf"(?:{_pattern})\Z"), None)


class _Dumper(yaml.SafeDumper):
    """Quotes strings that `_Loader` would read as something else, such as "1e3"."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _parse(text: str, path: str) -> tuple[Any, dict[KeyPath, int]]:
    """The value of a YAML document and the line of each of its keys. Raises UserError."""
    lines: dict[KeyPath, int] = {}
    loader: _Loader | None = None
    try:
        loader = _Loader(text)  # rejects characters that YAML does not allow
        node = loader.get_single_node()
        return (None if node is None else _value(node, (), lines)), lines
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise located(path, line, f"character not allowed in YAML: {error.reason}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise located(path, line, error.problem or error.context or "not YAML") from None
    finally:
        if loader is not None:
            loader.dispose()


def _value(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        _check_tag(node, "map")
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _value(key_node, (), {})
            if not isinstance(key, str):
                raise _marked(key_node, f"expected a name as key, got {key!r}")
            if key in mapping:
                raise _marked(key_node, f"{dotted((*path, key))}: given twice")
            lines[*path, key] = key_node.start_mark.line + 1
            mapping[key] = _value(value_node, (*path, key), lines)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        _check_tag(node, "seq")
        for i, item in enumerate(node.value):
            lines[*path, i] = item.start_mark.line + 1
        return [_value(item, (*path, i), lines) for i, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    kind, text = node.tag.removeprefix(_PREFIX), node.value
    try:
        if kind == "str":
            return _writable(text)
        if kind == "null":
            return None
        if kind == "bool":
            return {"true": True, "false": False}[text.lower()]
        if kind == "int":
            return int(text.replace("_", ""))
        if kind == "float":
            return _finite(float(text.replace("_", "")))
    except (ValueError, KeyError):  # `!!int x`, 1e999, "\0", or more digits than Python reads
        raise _marked(node, f"expected {kind}, got {text[:40]!r}") from None
    raise _marked(node, f"the tag {node.tag!r} is not supported")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError
    return number


def _writable(text: str) -> str:
    text.encode()  # raises ValueError for half of a surrogate pair
    if "\0" in text:
        raise ValueError
    return text


def _check_tag(node: yaml.Node, kind: str) -> None:
    if node.tag != _PREFIX + kind:
        raise _marked(node, f"the tag {node.tag!r} is not supported")


def _marked(place: yaml.Node | yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = place.start_mark  # the stubs give nodes and events marks of different types
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _path_of(value: Mapping[str, Any], steps: list[str]) -> tuple[str, ...]:
    """The keys that a dotted key names; a key that itself contains dots (`optimizer.lr`) wins."""
    if not steps:
        return ()
    known = (n for n in range(len(steps), 0, -1) if ".".join(steps[:n]) in value)
    length = next(known, 1)
    key = ".".join(steps[:length])
    below = value.get(key)
    return (key, *_path_of(below if isinstance(below, dict) else {}, steps[length:]))
