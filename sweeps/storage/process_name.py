"""Names this process, for people and for other processes that check whether it is alive."""

import os
import socket


def process_name() -> str:
    """`process 123 on host`."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def is_gone(process: str) -> bool:
    """Whether a process named by `process_name` is known to have ended; False for other hosts."""
    words = process.split()
    if len(words) != 4 or words[3] != socket.gethostname() or not words[1].isdecimal():
        return False
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
