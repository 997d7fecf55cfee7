"""A folder for Ray's files; those left behind by killed drivers are removed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sweeps.cluster import processes
from trainer.errors import UserError

_PREFIX = "sweep-"
_OWNER = "owner"  # locked while the process that uses the folder is alive
_MAX_LENGTH = 26  # characters: Ray puts Unix sockets below it, whose paths may have 107
_ROOM = 64 * 2**20  # bytes


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A new folder on this machine, deleted at the end; removes those whose process has ended."""
    clear()
    folder = _make()
    try:
        with open(folder / f".{_OWNER}", "w") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            os.rename(owner.name, folder / _OWNER)  # visible to others only now that it is locked
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear() -> None:
    """Deletes this user's folders whose process was killed, and ends processes still using them."""
    for place in _places():
        for owner in Path(place).glob(f"{_PREFIX}*/{_OWNER}"):
            with contextlib.suppress(OSError):  # deleted or locked by another process
                if owner.parent.lstat().st_uid != os.getuid() or owner.parent.is_symlink():
                    continue
                with open(owner) as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # some of Ray's agents survive for a minute
                    processes.kill(processes.that_name(f"{owner.parent}/"))
                    shutil.rmtree(owner.parent, ignore_errors=True)


def _make() -> Path:
    """A new folder private to this user, at a short path where there is room."""
    problem: object = "no folder for temporary files"
    for place in _places():
        try:
            if shutil.disk_usage(place).free >= _ROOM:
                return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
            problem = f"{place} is full"
        except OSError as error:
            problem = f"{place}: {error.strerror}"
    raise UserError(
        f"Ray has no place for its files ({problem}); set TMPDIR to a folder with "
        f"{_ROOM // 2**20} MB free whose path has at most {_MAX_LENGTH} characters"
    )


def _places() -> list[str]:
    """Folders for temporary files, the user's choice first."""
    found = [os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp", "/dev/shm"]
    return [place for place in dict.fromkeys(found) if 0 < len(place) <= _MAX_LENGTH]
