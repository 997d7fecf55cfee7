"""The processes that a process has started, and what they are doing, as Linux tells it."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def below(pid: int) -> list[int]:
    """The processes that `pid` has started, those that they have, and so on; with zombies."""
    found: list[int] = []
    for child in _children(pid):
        found += [child, *below(child)]
    return found


def state(pid: int) -> str:
    """R or S at work or asleep, T stopped, Z a zombie; empty for one that is gone."""
    return _facts(pid)[0]


def began(pid: int) -> str:
    """When the process began, so that another of its number is told from it; empty: it is gone."""
    return _facts(pid)[19]


def is_over(pid: int) -> bool:
    """Whether the process has ended."""
    return state(pid) in ("", "Z", "X")


def kill(pids: Iterable[int]) -> None:
    """Ends each that is still there, stopped ones too."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def that_name(text: str) -> list[int]:
    """This user's other processes whose command line holds `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            mine = folder.stat().st_uid == os.getuid() and folder.name != str(os.getpid())
            if mine and text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def end_with(parent: int) -> None:
    """Has the kernel end this process when `parent`, which started it, ends in whatever way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it has ended meanwhile


def _facts(pid: int) -> list[str]:
    """What /proc says of a process from its state on (`man proc_pid_stat`)."""
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
