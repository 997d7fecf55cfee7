"""The processes that a process has started, and their states, on Linux."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def below(pid: int) -> list[int]:
    """All descendants of the process `pid`, including zombies."""
    found: list[int] = []
    for child in _children(pid):
        found += [child, *below(child)]
    return found


def state(pid: int) -> str:
    """R or S if running or asleep, T if stopped, Z if a zombie; empty if gone."""
    return _facts(pid)[0]


def began(pid: int) -> str:
    """When the process began, to tell it from a later one with the same id; empty if gone."""
    return _facts(pid)[19]


def is_over(pid: int) -> bool:
    """Whether the process has ended."""
    return state(pid) in ("", "Z", "X")


def kill(pids: Iterable[int]) -> None:
    """Kills each that still exists, including stopped ones."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def that_name(text: str) -> list[int]:
    """This user's other processes whose command line contains `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            mine = folder.stat().st_uid == os.getuid() and folder.name != str(os.getpid())
            if mine and text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def end_with(parent: int) -> None:
    """Makes the kernel end this process when `parent`, which started it, ends in any way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it has already ended


def _facts(pid: int) -> list[str]:
    """The fields of a process in /proc from its state on (`man proc_pid_stat`)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return [""] * 20


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread or the process has ended
                found += [int(child) for child in (task / "children").read_text().split()]
    return found
