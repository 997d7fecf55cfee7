"""A store on a disk of its own, which can be filled up and made read-only. Needs root."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

MEGABYTES = 64


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mounts a small disk at `folder`; gives whether that is permitted here."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = _run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            _run("umount", "-l", str(folder))


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Leaves no byte free on the disk of `folder`."""
    filler = folder / "filler"
    try:
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """What is opened in `folder` from now on cannot be written to."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0
