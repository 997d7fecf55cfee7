"""Sees to it that nothing in a store leads out of it: no links, pipes or devices on any path."""

import os
import stat
from pathlib import Path

from sweeps.storage.storage import local_path
from trainer.errors import UserError


def plain_path(root: Path, key: str) -> Path:
    """The local path of a key, of which every part that is there is a folder or a file itself.

    The root may be a link: it is the user's own choice. Raises UserError for another part that is
    one, or is a pipe, a socket or a device; ValueError for a key that leaves the store.
    """
    path = local_path(root, key)
    part = root
    for name in path.relative_to(root).parts:
        part = part / name
        try:
            mode = os.lstat(part).st_mode
        except (FileNotFoundError, NotADirectoryError):
            break
        _check(part, mode)
    return path


def check_files(folder: Path) -> None:
    """Raises UserError where something in a folder, or below it, is neither file nor folder."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            try:
                _check(path, os.lstat(path).st_mode)
            except FileNotFoundError:  # a half-written file that has got its name
                continue


def _check(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    what = "a link" if stat.S_ISLNK(mode) else "a pipe, a socket or a device"
    raise UserError(f"{path} is {what}, which nothing in a store may be; remove it")
