"""Plays Ray Tune in virtual time: slots, machines that vanish, trials that train nothing."""

import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeps.run_store import Store
from sweeps.tracking.tracker import Tracker

MACHINE = 8  # slots that vanish together
MEDIAN_SECONDS, SPREAD = 1200.0, 0.6  # of a trial: log-normal, 20 minutes and a factor of 1.8
FAILING = 0.01  # of the attempts
MACHINE_DAYS = 1.0  # that a machine lasts on the average
BACK_SECONDS = 120.0  # until a machine that vanished is there again
REPORTS = 10  # of a trial, to Ray Tune
MOST_STEPS = 1_000_000


@dataclass
class Tally:
    """What has happened so far; times in seconds.

    driver: what our parts took; processor: of that, what they did not wait for disk or others.
    tracking: what MLflow took after that. virtual: the simulator's clock.
    """

    trials: int = 0
    failures: int = 0
    machines_lost: int = 0
    driver: float = 0.0
    processor: float = 0.0
    tracking: float = 0.0
    virtual: float = 0.0


class Simulator:
    """Asks a `Dispatch` for trials and ends them, as Ray Tune does.

    finish: writes into the store what a trial leaves there. tracker: is waited for after each one.
    """

    def __init__(
        self,
        search: Any,
        tracker: Tracker | None,
        store: Store,
        slots: int,
        finish: Callable[[Store, Mapping[str, Any]], None],
    ):
        self._search, self._tracker, self._store, self._finish = search, tracker, store, finish
        self._dice = np.random.default_rng(0)
        self._free = list(range(slots))
        self._at: dict[int, tuple[str, Any]] = {}  # what runs on a slot
        self._steps: Counter[tuple[int, int]] = Counter()  # that a block has done
        self._events: list[tuple[float, int, str, int]] = []
        self._numbers = itertools.count()
        self.tally = Tally()
        for machine in range(0, slots, MACHINE):
            self._later(self._dice.exponential(MACHINE_DAYS * 86_400), "lost", machine)

    def trials(self) -> Iterator[Tally]:
        """Runs all trials; yields after each that is done."""
        finished = False
        while not finished or self._at:
            finished = self._fill()
            if not self._at:
                return
            self.tally.virtual, _, kind, slot = heapq.heappop(self._events)
            if kind == "lost":
                self._lose(slot)
            elif kind == "back":
                self._free += range(slot, slot + MACHINE)
            elif slot in self._at and self._at[slot][0] == kind:  # else its machine was lost
                if self._dice.random() < FAILING:
                    self._end(slot, error=True)
                else:
                    self._finish(self._store, self._at[slot][1])
                    self._end(slot, error=False)
                    self.tally.trials += 1
                    yield self.tally

    def _fill(self) -> bool:
        """Gives each free slot a trial; whether there is none left to give."""
        while self._free:
            trial = f"trial-{next(self._numbers)}"
            config = self._timed(self._search.suggest, trial)
            if config is None or config == "wait":
                return config is None
            slot = self._free.pop()
            self._at[slot] = trial, config
            seconds = MEDIAN_SECONDS * np.exp(SPREAD * self._dice.normal())
            self._later(float(seconds), trial, slot)
        return False

    def _lose(self, machine: int) -> None:
        self.tally.machines_lost += 1
        for slot in range(machine, machine + MACHINE):
            if slot in self._at:
                self._end(slot, error=True)
            if slot in self._free:
                self._free.remove(slot)
        self._later(BACK_SECONDS, "back", machine)
        self._later(BACK_SECONDS + self._dice.exponential(MACHINE_DAYS * 86_400), "lost", machine)

    def _end(self, slot: int, error: bool) -> None:
        trial, config = self._at.pop(slot)
        self._free.append(slot)
        self.tally.failures += error
        block = config["setting"], config["block"]
        for _ in range(REPORTS):  # each attempt resumes where the one before was checkpointed
            self._steps[block] += 1
            self._timed(self._search.reported, trial, self._steps[block], MOST_STEPS)
        self._timed(self._search.ended, trial, False, error)
        began = time.perf_counter()
        while self._tracker is not None and self._tracker.lacking():
            time.sleep(0.0005)
        self.tally.tracking += time.perf_counter() - began

    def _timed(self, call: Any, *arguments: Any) -> Any:
        began, began_processor = time.perf_counter(), time.thread_time()
        try:
            return call(*arguments)
        finally:
            self.tally.driver += time.perf_counter() - began
            self.tally.processor += time.thread_time() - began_processor

    def _later(self, seconds: float, kind: str, slot: int) -> None:
        event = (self.tally.virtual + seconds, next(self._numbers), kind, slot)
        heapq.heappush(self._events, event)
