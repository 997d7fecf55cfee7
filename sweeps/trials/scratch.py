"""A folder for Ray's files; those that killed drivers left behind are cleared away."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "sweep-"
_OWNER = "owner"  # locked for as long as the process that uses the folder lives


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A new folder on this machine, deleted at the end; clears those whose process has ended."""
    clear()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_short_folder()))
    try:
        with open(folder / f".{_OWNER}", "w") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            os.rename(owner.name, folder / _OWNER)  # seen by others only now that it is locked
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear() -> None:
    """Deletes this user's folders whose process was killed; of others it is not sure."""
    for owner in Path(_short_folder() or tempfile.gettempdir()).glob(f"{_PREFIX}*/{_OWNER}"):
        with contextlib.suppress(OSError):  # deleted or locked by another process
            if owner.parent.lstat().st_uid != os.getuid() or owner.parent.is_symlink():
                continue
            with open(owner) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(owner.parent, ignore_errors=True)


def _short_folder() -> str | None:
    # names of Unix sockets, which Ray makes there, may not be longer than about 100 bytes
    return "/tmp" if Path("/tmp").is_dir() else None
