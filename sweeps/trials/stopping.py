"""Stopping a sweep, or one of its runs, from anywhere: by requests in its store.

The driver looks for requests to stop, a trial for requests to give up one of its runs. A run that
was given up has no result, so its score is unknown to the answer. It keeps its checkpoint, and
running the sweep again resumes it. A run that `early_stop` ended is treated alike, but stays ended
for as long as the sweep file says so (`sweeps.scheduling.ended_early`).
"""

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


def give_up(store: Store, name: str, run: str) -> None:
    """Asks for the run of the sweep `name` to be given up; the sweep continues without it."""
    store.write_text(f"{_given_up(name)}/{run}", "given up\n")


def given_up(store: Store, name: str) -> set[str]:
    """Ids of the runs that were given up since the sweep was begun or resumed."""
    return set(store.names(_given_up(name)))


def unscored_in_words(given_up: int, ended_early: int) -> Iterator[str]:
    """What the answer does not know, in sentences without full stops; none for no such runs."""
    if given_up:
        runs = "1 run was" if given_up == 1 else f"{given_up} runs were"
        yield f"{runs} given up by hand and count as unknown; run it again to resume them"
    if ended_early:
        runs = "1 run was" if ended_early == 1 else f"{ended_early} runs were"
        yield (
            f"{runs} ended early, with no latent in use: the scores of such runs are unknown; "
            "remove `early_stop` to train them to the end"
        )


def forget(store: Store, name: str) -> None:
    """Withdraws all requests: those that a sweep of the past left must not stop a new one."""
    if store.exists(_key(name)):
        store.delete(_key(name))
    for run in given_up(store, name):
        store.delete(f"{_given_up(name)}/{run}")


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


def _given_up(name: str) -> str:
    return f"sweeps/{name}/given_up"


def _key(name: str) -> str:
    return f"sweeps/{name}/stop"
