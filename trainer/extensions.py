"""The user's own source files: `architecture: my_nets.py:Small` in a sweep file.

A run carries the file's source in its configuration, so that its id covers it, workers need no
file, and a run folder is complete. Source from a file is run only if the user has named exactly
this source before, on this machine, in a command or a call: reading someone else's store or run
folder runs nothing. Entry points of packages are installed code, and hence trusted.
"""

import hashlib
import inspect
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from trainer import cache
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, lookup
from trainer.errors import UserError
from trainer.files import read_regular
from trainer.registry import Registry

T = TypeVar("T")

KINDS = ("architecture", "objective", "likelihood")  # keys of RunConfig that may name a file
TRUST_ALL = "SWEEP_TRUST_CODE"  # if set to 1, all code is run
_REFERENCE = re.compile(r"(?P<file>.+\.py):(?P<attribute>[A-Za-z_]\w*)")
_trusted: set[str] = set()


def trust_files(values: object) -> None:
    """Trusts all files that strings in `values`, the user's own mapping, refer to."""
    for text in _texts(values):
        if match := _REFERENCE.fullmatch(text):
            path = Path(match["file"])
            if path.is_file():
                trust([_read(path)])


def trust(texts: Iterable[str]) -> None:
    """Allows these sources to run, in this process and in later ones of this user."""
    for text in texts:
        _trusted.add(_digest(text))
        try:
            mark = _mark(text)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        except OSError:
            continue  # later processes must call this again


def with_sources(config: RunConfig) -> RunConfig:
    """`config` with the source of the files it names, and with files named without their folders.

    The same file in another folder is the same run. Raises FieldError with a RunConfig path.
    """
    changes: dict[str, Any] = {}
    sources = dict(config.sources)
    for kind in (*KINDS, "dataset"):
        match = _REFERENCE.fullmatch(_name(config, kind))
        if match is None or match["file"] in config.sources:
            continue
        path = Path(match["file"])
        try:
            text = _read(path)
        except UserError as error:
            raise FieldError(str(error), (kind,)) from None
        if sources.setdefault(path.name, text) != text:
            raise FieldError(f"two different files are called {path.name}; rename one", (kind,))
        name = f"{path.name}:{match['attribute']}"
        changes[kind] = replace(config.dataset, name=name) if kind == "dataset" else name
    return replace(config, sources=sources, **changes) if changes else config


def with_installed(config: RunConfig, registries: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    """`config` with the source of the modules that its entry points refer to, for its id."""
    sources = dict(config.sources)
    for kind, registry in registries.items():
        if module := _module_of(registry, _name(config, kind)):
            sources[module.__name__] = inspect.getsource(module)
    return replace(config, sources=sources) if sources != config.sources else config


def code_of(
    registry: Mapping[str, Any], name: object, sources: Mapping[str, str] | None = None
) -> str | None:
    """The user's own source that `name` refers to, in a file or package; None if it is built in.

    sources: source of files that need not exist here, by name. Raises FieldError.
    """
    match = _REFERENCE.fullmatch(name) if isinstance(name, str) else None
    if match is not None:
        try:
            text = (sources or {}).get(match["file"])
            return _read(Path(match["file"])) if text is None else text
        except UserError as error:
            raise FieldError(str(error)) from None
    module = _module_of(registry, name)
    return inspect.getsource(module) if module else None


def is_reference(name: object) -> bool:
    """Whether `name` refers to something in a file: `FILE.py:NAME`."""
    return isinstance(name, str) and _REFERENCE.fullmatch(name) is not None


def file_of(name: str) -> str:
    """FILE.py of a reference."""
    return name.rpartition(":")[0]


def find(registry: Mapping[str, T], config: RunConfig, kind: str) -> T:
    """What `config` names as its `kind`: from the registry, a package, or its own sources.

    Raises FieldError with a RunConfig path.
    """
    try:
        return look_up(registry, getattr(config, kind), kind, config.sources)
    except FieldError as error:
        raise error.under(kind) from None


def look_up(
    registry: Mapping[str, T], name: object, kind: str, sources: Mapping[str, str] | None = None
) -> T:
    """As `trainer.config.schema.lookup`, but names may also refer to the user's own code."""
    match = _REFERENCE.fullmatch(name) if isinstance(name, str) else None
    try:
        if match is None:
            return lookup(registry, name, kind)
        text = (sources or {}).get(match["file"])
        found: T = _attribute(_read(Path(match["file"])) if text is None else text, match)
        return found
    except FieldError:
        raise
    except UserError as error:
        raise FieldError(str(error)) from None


def _name(config: RunConfig, kind: str) -> str:
    return config.dataset.name if kind == "dataset" else str(getattr(config, kind))


def _module_of(registry: Mapping[str, Any], name: object) -> ModuleType | None:
    """The installed package's module that `name` refers to; None if it refers to something else."""
    if not isinstance(registry, Registry) or name not in registry.installed:
        return None
    name = str(name)
    return inspect.getmodule(registry[name]) or sys.modules[registry.installed[name].module]


def _attribute(text: str, match: re.Match[str]) -> Any:
    """The value of `FILE.py:NAME`, given the file's source `text`. Raises UserError."""
    file = Path(match["file"]).name
    if not _is_trusted(text):
        raise UserError(
            f"{file} contains code that no command on this machine has named, so it is not run; "
            f"read it (`sources` in config.json), then set {TRUST_ALL}=1"
        )
    module = _module(file, text)
    try:
        return getattr(module, match["attribute"])
    except AttributeError:
        known = ", ".join(key for key in vars(module) if not key.startswith("_"))
        raise UserError(f"{file} has no {match['attribute']!r}; it has {known}") from None


@lru_cache
def _module(file: str, text: str) -> ModuleType:
    name = f"{Path(file).stem}_{_digest(text)[:8]}"
    module = ModuleType(name)
    module.__file__ = file
    try:
        sys.modules[name] = module  # dataclasses look up their module
        exec(compile(text, file, "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        line = error.lineno if isinstance(error, SyntaxError) else _line(error, file)
        problem = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
        raise UserError(f"{file}:{line}: {problem}") from error
    return module


def _line(error: Exception, file: str) -> int:
    """The last line of `file` in an error's traceback."""
    place, line = error.__traceback__, 1
    while place is not None:
        if place.tb_frame.f_code.co_filename == file:
            line = place.tb_lineno
        place = place.tb_next
    return line


def _read(path: Path) -> str:
    try:
        text = read_regular(path).decode("utf-8")
        return text.replace("\r\n", "\n").replace("\r", "\n")  # as in a text file
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"{path} cannot be read ({reason}); paths are relative to the current folder"
        ) from None


def _is_trusted(text: str) -> bool:
    return _digest(text) in _trusted or os.environ.get(TRUST_ALL) == "1" or _mark(text).is_file()


def _mark(text: str) -> Path:
    return cache.folder() / "trusted-code" / _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(values: object) -> Iterable[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _texts(value)
