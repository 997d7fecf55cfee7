"""Expensive arrays cached on disk: made once by the first process, and either whole or absent."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.config.run import digest
from trainer.errors import UserError
from trainer.files import expand, replacing

_CHUNK = 1 << 20


def folder() -> Path:
    """`$SWEEP_CACHE`, else ~/.cache/beta-sweep."""
    if chosen := os.environ.get("SWEEP_CACHE"):
        return expand(chosen)
    try:
        return Path("~/.cache/beta-sweep").expanduser()
    except RuntimeError:
        raise UserError("no home folder to cache images in; set SWEEP_CACHE") from None


def array(
    name: str, shape: tuple[int, int], blocks: Callable[[], Iterable[NDArray[np.uint8]]]
) -> NDArray[np.uint8]:
    """The bytes cached as `name`, memory-mapped read-only; made from `blocks` if missing or broken.

    blocks: yields consecutive rows of the array, a block (n, shape[1]) at a time, `shape[0]` rows
    in all. Several processes may call this at once: one makes it, the others wait. Raises UserError
    if it cannot be written.
    """
    path = folder() / f"{name}.npy"
    try:
        found = _open(path, shape)
        if found is None:
            with _locked(path):
                found = _open(path, shape)  # another process may have made it while this one waited
                if found is None:
                    _write(path, shape, blocks())
                    found = np.load(path, mmap_mode="r")
    except OSError as error:
        raise UserError(_refused(path, shape, error)) from None
    return found


def content_hash(files: Sequence[Path]) -> str:
    """SHA-256, in hex, over the bytes of `files` in order; raises OSError.

    Remembered while names, sizes and modification times are unchanged, so that reopening many files
    is quick.
    """

    def compute() -> dict[str, Any]:
        total = hashlib.sha256()
        for file in files:
            with open(file, "rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        return {"sha256": total.hexdigest()}

    return str(remembered("hash", files, compute)["sha256"])


def remembered(
    kind: str, files: Sequence[Path], compute: Callable[[], dict[str, Any]], *key: object
) -> dict[str, Any]:
    """The result of `compute` on `files`, a JSON mapping, cached while they are unchanged.

    kind: names what is cached; key: anything else it depends on. Raises OSError for missing files,
    and for pipes and devices, which may never end.
    """
    listing = [[str(f.resolve()), (s := _status(f)).st_size, s.st_mtime_ns] for f in files]
    memory = folder() / f"{kind}-{digest([*listing, *key])}.json"
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(memory.read_text())
        if isinstance(found, dict):
            return found
    value = compute()
    with contextlib.suppress(OSError):  # failing to remember it only makes the next time slower
        memory.parent.mkdir(parents=True, exist_ok=True)
        _write_json(memory, value)
    return value


def _status(file: Path) -> os.stat_result:
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is not a file", str(file))
    return found


def _open(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The array, or None if it is missing, truncated or not what was written."""
    try:
        written = json.loads(path.with_suffix(".json").read_text())
        if written != {"bytes": path.stat().st_size, "crc32": _checksum(path)}:
            return None
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (FileNotFoundError, ValueError):
        return None
    return found if found.shape == shape and found.dtype == np.uint8 else None


def _write(path: Path, shape: tuple[int, int], blocks: Iterable[NDArray[np.uint8]]) -> None:
    temporary = path.with_suffix(".tmp")  # only one writer holds the lock, so one name is enough
    try:
        rows = 0
        with open(temporary, "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for block in blocks:
                file.write(np.ascontiguousarray(block, np.uint8).data)
                rows += len(block)
            file.flush()
            os.fsync(file.fileno())
        if rows != shape[0]:
            problem = f"read {rows} images instead of {shape[0]}; did the files change?"
            raise UserError(f"{path.stem}: {problem}")
        written = {"bytes": temporary.stat().st_size, "crc32": _checksum(temporary)}
        os.replace(temporary, path)
        _write_json(path.with_suffix(".json"), written)
    finally:
        temporary.unlink(missing_ok=True)


def _write_json(path: Path, value: object) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(value))


def _checksum(path: Path) -> int:
    """CRC-32 of a file, read in chunks so that its pages do not count as this process's memory."""
    value, chunk = 0, bytearray(_CHUNK)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(chunk):
            value = zlib.crc32(memoryview(chunk)[:count], value)
    return value


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released by the system when the process dies
        yield


def _refused(path: Path, shape: tuple[int, int], error: OSError) -> str:
    room = ""
    with contextlib.suppress(OSError):
        room = f", {shutil.disk_usage(path.parent).free / 1e6:,.0f} MB free"
    return (
        f"{path.parent}: cannot cache images here ({error.strerror or error}; "
        f"{shape[0] * shape[1] / 1e6:,.1f} MB needed{room}); "
        "free some space, or set SWEEP_CACHE to another folder"
    )
