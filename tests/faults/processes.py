"""The processes of a sweep: found, counted and killed, however far from us they were started."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on processes whose parent ends become children of this one, not of process 1."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def below(pid: int) -> list[int]:
    """The processes that `pid` started, and those that they started, and so on; no zombies."""
    found: list[int] = []
    for child in _children(pid):
        found += [*([] if _is_zombie(child) else [child]), *below(child)]
    return found


def named(pids: Iterable[int], text: str) -> list[int]:
    """Those whose command line holds `text`."""
    return [pid for pid in pids if text in command_line(pid)]


def command_line(pid: int) -> str:
    """Empty for a process that has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    return ""


def send(pids: Iterable[int], number: int) -> None:
    """Sends a signal to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_for_the_end(before: set[int], seconds: float) -> list[int]:
    """Waits until nothing runs below this process but `before`; what still does after `seconds`."""
    end = time.monotonic() + seconds
    while left := [pid for pid in below(os.getpid()) if pid not in before]:
        if time.monotonic() > end:
            return left
        time.sleep(0.2)
    return []


@contextlib.contextmanager
def ended() -> Iterator[set[int]]:
    """Kills at the end whatever was started meanwhile; gives what ran before."""
    before = set(below(os.getpid()))
    try:
        yield before
    finally:
        send([pid for pid in below(os.getpid()) if pid not in before], signal.SIGKILL)


def _children(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread or the process has ended
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True
