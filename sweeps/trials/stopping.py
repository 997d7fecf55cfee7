"""Stopping a sweep from anywhere, by a request in its store for which the driver looks."""

import contextlib
import threading
from collections.abc import Iterator

from sweeps.run_store import Store

SECONDS = 1.0  # between polls


class StopRequest:
    """A request to stop: set `requested`, from a signal handler or any thread.

    expired: whether the budget ran out, rather than a person asking.
    """

    def __init__(self) -> None:
        self.requested = self.expired = False


def request(store: Store, name: str) -> None:
    """Asks whoever runs the sweep `name` to stop, as SIGTERM does: checkpoints are written."""
    store.write_text(_key(name), "stop\n")


def forget(store: Store, name: str) -> None:
    """Withdraws a request: one that a sweep of the past left must not stop a new one."""
    if store.exists(_key(name)):
        store.delete(_key(name))


@contextlib.contextmanager
def heeded(store: Store, name: str, stop: StopRequest) -> Iterator[None]:
    """Sets `stop.requested`, from its own thread, once there is a request."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(SECONDS):
            with contextlib.suppress(Exception):  # a store that fails now may work the next time
                if store.exists(_key(name)):
                    stop.requested = True
                    return

    thread = threading.Thread(target=look, name="stop requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=SECONDS)


def _key(name: str) -> str:
    return f"sweeps/{name}/stop"
