"""Ctrl-C, SIGTERM and a closed terminal ask a sweep to stop; the second one ends it at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from sweeps.trials.stopping import StopRequest

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def kept_from_children() -> Iterator[None]:
    """Blocks stop signals in this thread, and permanently in processes started in the meantime.

    A terminal, `timeout` and batch systems send them to all processes of a sweep: Ray's must
    survive until the trials have saved. When the driver ends, in any way, the kernel ends Ray's.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def heeded(stop: StopRequest, before_exit: Callable[[], object]) -> Iterator[None]:
    """The first stop signal asks the trials to stop; a second one ends this process at once.

    before_exit: called before that; it should be quick. Signals that were ignored, as by `nohup`,
        stay ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives signals
        return

    def request(number: int, frame: FrameType | None) -> None:
        if stop.requested:
            before_exit()
            os._exit(128 + number)
        stop.requested = True

    before = {sign: signal.getsignal(sign) for sign in STOP_SIGNALS}
    heeded = [sign for sign in STOP_SIGNALS if before[sign] is not signal.SIG_IGN]
    for sign in heeded:
        signal.signal(sign, request)
    try:
        yield
    finally:
        for sign in heeded:
            signal.signal(sign, before[sign])
