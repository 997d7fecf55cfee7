"""Names this process, for people and for other processes that check whether it is alive."""

import os
import socket
from pathlib import Path


def process_name() -> str:
    """`process 123 on host`."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def where() -> str:
    """Among which processes an id names this one: the machine since its start, and the container.

    A host's name does not tell: many machines are called localhost, and containers that share a
    network share its name. Empty where the system does not say.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{started} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def is_gone(process: str, there: str) -> bool:
    """Whether a process is known to have ended. False for one of elsewhere.

    process: named by `process_name`. there: `where` it is.
    """
    words = process.split()
    if not there or there != where() or len(words) != 4 or not words[1].isdecimal():
        return False
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
