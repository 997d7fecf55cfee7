"""Stopping Ray Tune: trials get time to save; those with nothing to save are not awaited."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import ray
from ray.experimental import internal_kv
from ray.tune import Stopper

LONGEST = 60.0  # seconds for trials to save: a hung machine must not delay the rest


class Stopped(BaseException):
    """Leaves Ray Tune at once, past its `except Exception`: it would wait for all trials."""


class Stopping(Stopper):
    """Asks the trials to save once a stop is requested, and leaves when none is training.

    Tune's own way kills a stopped trial after 5 to 10 seconds, whether it has saved or not, and
    waits as long for one that has nothing to save.
    ask: its method `turn` says whether a stop is requested, and how many trials are training.
    """

    def __init__(self, ask: Callable[..., Any]):
        self._ask = ask
        self._asked: float | None = None

    def __call__(self, trial_id: str, result: dict) -> bool:
        """Results never end a trial."""
        return False

    def stop_all(self) -> bool:
        """Called by Tune in each iteration of its loop. Raises Stopped when it is time to leave."""
        requested, training = self._ask("turn")
        if not requested:
            return False
        if self._asked is None:
            self._asked = time.monotonic()
            with contextlib.suppress(Exception):  # Ray is lost, and the trials with it
                internal_kv._internal_kv_put(_key(), b"")
        if not training or time.monotonic() - self._asked > LONGEST:
            raise Stopped
        return False


def is_asked_to_stop() -> bool:
    """Whether the driver of this trial has asked to stop; a millisecond. False without Ray."""
    return ray.is_initialized() and bool(internal_kv._internal_kv_exists(_key()))


def _key() -> str:
    return f"stop-{ray.get_runtime_context().get_job_id()}"
