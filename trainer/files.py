"""Writes files whole or not at all, and explains in one line why one could not be written."""

import contextlib
import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from trainer.errors import UserError

SEAL = "checksum"  # key of a record's checksum
MAX_DEPTH = 32  # levels of lists and objects; a history has 3
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def write_atomically(path: Path, content: bytes) -> None:
    """Writes `content` to `path`: readers see the old file or the new one, whatever is killed.

    Raises UserError if the disk is full or the folder is not writable.
    """
    try:
        with (
            replacing(path) as partial,
            open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file,
        ):
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; "
            "free some space, or choose a writable folder"
        ) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file next to `path`, which replaces it at the end; after an error it is removed.

    Raises OSError if it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)  # left by a killed process with our id, or a link
    try:
        yield partial
        os.replace(partial, path)
    finally:
        # replacing a hard link with another to the same file leaves both
        _remove_quietly(partial)


def expand(path: str | os.PathLike[str]) -> Path:
    """The path with `~` expanded. Raises UserError if there is no such home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"{os.fspath(path)}: {error}; use a path without ~") from None


def looked_in(path: Path) -> str:
    """Where a path that does not exist was looked for, to be added to a message; "" if absolute."""
    if path.is_absolute():
        return ""
    return f" in {os.getcwd()}; relative paths are those of the folder where the command is run"


def write_json(path: Path, value: object) -> None:
    """Writes `value` as strict JSON (no NaN or Infinity), atomically."""
    write_atomically(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with a checksum of its content, with which `seal_holds` detects changes."""
    bare = {key: value for key, value in record.items() if key != SEAL}
    # of the value as read back: JSON turns numeric keys into strings and tuples into lists
    return bare | {SEAL: _hashed(json.loads(json.dumps(bare, allow_nan=False)))}


def seal_holds(record: Mapping[str, Any]) -> bool:
    """Whether a record, as read from JSON, is unchanged; true for older ones without a checksum."""
    bare = {key: value for key, value in record.items() if key != SEAL}
    try:
        return SEAL not in record or record[SEAL] == _hashed(bare)
    except ValueError:  # 1e999 was read as infinity
        return False


def parse_json(content: bytes) -> Any:
    """The value of an untrusted JSON document.

    Raises ValueError for anything but JSON in UTF-8, for NaN and infinities, for numbers with
    thousands of digits, and for lists and objects nested deeper than MAX_DEPTH.
    """
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check_depth(value, MAX_DEPTH)
    return value


def read_plain(path: Path) -> bytes:
    """The content of a file. Raises OSError for a link, and for a pipe, which may never end."""
    with _open_plain(path) as file:
        return file.read()


def read_regular(path: Path) -> bytes:
    """The content of a file, links followed. Raises OSError for a pipe or a device."""
    with _open_plain(path, follow=True) as file:
        return file.read()


def stamp(path: Path) -> dict[str, str | int]:
    """`{"sha256", "bytes"}` of a file, as listed in records. Raises OSError as `read_plain`."""
    with _open_plain(path) as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
        return {"sha256": checksum, "bytes": file.tell()}


@contextlib.contextmanager
def _open_plain(path: Path, follow: bool = False) -> Iterator[BufferedReader]:
    links = 0 if follow else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | links | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is not a file", str(path))
        yield file


def _hashed(bare: Mapping[str, Any]) -> str:
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_depth(value: object, left: int) -> None:
    if left == 0:
        raise ValueError(_TOO_DEEP)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        if isinstance(each, dict | list):
            _check_depth(each, left - 1)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _sync_folder(folder: Path) -> None:
    # os.replace is only as durable as the folder entry of the new name
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_quietly(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # the error that led here is the one to report
