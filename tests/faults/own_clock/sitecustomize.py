"""Gives a Python process the wall clock that `tests.faults.clock` sets; imported at its start."""

import os
import threading
import time
from pathlib import Path

import time_machine

_FILE = Path(os.environ["SWEEP_TEST_CLOCK"])


def _ahead() -> float:
    return float(_FILE.read_text())


def _follow(coordinates: time_machine.Traveller, seconds: float) -> None:
    while True:
        time.sleep(0.1)
        if (now := _ahead()) != seconds:
            coordinates.shift(now - seconds)
            seconds = now


_start = _ahead()
_traveller = time_machine.travel(time.time() + _start, tick=True).start()
threading.Thread(target=_follow, args=(_traveller, _start), daemon=True).start()
