"""Writes files whole or not at all, and says in one line why one could not be written."""

import hashlib
import json
import os
from pathlib import Path

from trainer.errors import UserError


def write_atomically(path: Path, content: bytes) -> None:
    """Writes `content` to `path`: a reader sees the old file or the new one, whatever is killed.

    Raises UserError when the disk is full or the folder cannot be written to.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove_quietly(partial)
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; "
            "free some space, or choose a folder that can be written to"
        ) from error


def write_json(path: Path, value: object) -> None:
    """Writes `value` as strict JSON (no NaN or Infinity), atomically."""
    write_atomically(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def stamp(path: Path) -> dict[str, str | int]:
    """`{"sha256", "bytes"}` of a file, as records list it."""
    with open(path, "rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": checksum, "bytes": path.stat().st_size}


def _sync_folder(folder: Path) -> None:
    # os.replace is only as durable as the folder that lists the new name
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
