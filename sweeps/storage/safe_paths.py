"""Ensures that nothing in a store leads outside it: no links, pipes or devices on any path."""

import os
import stat
from pathlib import Path

from sweeps.storage.storage import local_path
from trainer.errors import UserError


def plain_path(root: Path, key: str) -> Path:
    """The local path of a key, of which every existing part is a real folder or file.

    The root may be a link: that is the user's choice. Raises UserError if any other part is a link,
    pipe, socket or device; ValueError for a key that leads outside the store.
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
    """Raises UserError if anything in a folder, or below it, is neither file nor folder."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            try:
                _check(path, os.lstat(path).st_mode)
            except FileNotFoundError:  # a half-written file that was just renamed
                continue


def _check(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    what = "a link" if stat.S_ISLNK(mode) else "a pipe, a socket or a device"
    raise UserError(f"{path} is {what}, which nothing in a store may be; remove it")
