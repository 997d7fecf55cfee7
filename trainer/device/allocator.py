"""Freed memory kept for the next step, where the C library would give it back at once."""

import contextlib
import ctypes

# parameters of glibc's mallopt, and the largest values that make sense
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER, _GIGABYTE = 2**31 - 1, 2**30


def keep_freed() -> None:
    """From now on, memory that is freed on the CPU stays with the process until `give_back`.

    A step of training frees what the next one takes again. Left to itself, glibc maps every large
    array anew, and the kernel clears its pages: 10 to 30 % of a step. Other C libraries are left
    as they are.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _GIGABYTE)
        library.mallopt(_TRIM_THRESHOLD, _NEVER)


def give_back() -> None:
    """Gives freed memory back to the system."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
