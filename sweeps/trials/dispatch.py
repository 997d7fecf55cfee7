"""Hands out the blocks of a sweep to be run as trials, and takes their outcomes."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sweeps.run_store import Store, error_key
from sweeps.scheduling.searcher import WAIT, Wait
from sweeps.trials.retries import Retries
from sweeps.trials.stopping import StopRequest
from sweeps.trials.trial_queue import Block, Observer, TrialQueue
from sweeps.trials.work_order import config_of

UNDEAD = 60.0  # seconds that a process may take to end once it is killed


class Dispatch:
    """Blocks of `queue`, one per trial; one that failed, or was lost with Ray, is handed out again.

    The first error of the driver's own code is kept in `error`: then no more trials are handed out,
    and running ones finish.

    moved: whether any trial has made progress since this was last set to False.
    """

    def __init__(
        self,
        queue: TrialQueue,
        observer: Observer,
        store: Store,
        job: Mapping[str, Any],
        retries: Retries,
        stop: StopRequest,
    ):
        self._queue, self._observer, self._store, self._job = queue, observer, store, job
        self._retries, self._stop = retries, stop
        self._blocks: dict[str, Block] = {}
        self._again: deque[Block] = deque()
        self._waited: set[tuple[int, int]] = set()  # keys of those that were held before
        self._held: deque[Block] = deque()  # whose runs another sweep has: all others go first
        self._hung: dict[str, float] = {}  # when each process that hung was killed
        self._steps: dict[str, int] = {}
        self._training: set[str] = set()
        self.moved = False
        self.error: Exception | None = None

    def suggest(self, trial: str) -> dict[str, Any] | Literal["wait"] | None:
        """The next block as the configuration of a trial; "wait" for now, None after the last."""
        block = None if self.error else self._next()
        if block is None:
            return None
        if block is WAIT:
            return "wait"
        self._blocks[trial] = block
        self._guarded(self._observer.trial_began, block)
        return config_of(block, self._job, block.key in self._waited)

    def _next(self) -> Block | Literal[Wait.WAIT] | None:
        if self._stop.requested:
            return WAIT
        if self._again:
            return self._again.popleft()
        block: Block | Literal[Wait.WAIT] | None = self._guarded(self._queue.next)
        if self._held and not isinstance(block, Block):
            return self._held.popleft()
        # a running one may have to be handed out again, and after the end nobody asks
        return WAIT if block is None and self._blocks and not self.error else block

    def turn(self) -> tuple[bool, int]:
        """Whether a stop was requested, and how many trials are training."""
        return self._stop.requested, len(self._training)

    def reported(self, trial: str, step: int | None, steps: int | None) -> None:
        """Passes on a trial's progress."""
        if step is not None and step != self._steps.get(trial):
            self._steps[trial] = step
            self.moved = True
        if step is not None and step != steps:
            self._training.add(trial)
        else:
            self._training.discard(trial)
        if trial in self._blocks:
            self._guarded(self._observer.trial_reported, self._blocks[trial], step, steps)

    def waits(self, trial: str, holder: str) -> None:
        """Passes on that a trial is waiting for runs held by another process."""
        self._training.discard(trial)
        if trial in self._blocks:
            self._guarded(self._observer.trial_waits, self._blocks[trial], holder)

    def hung(self, trial: str, process: str) -> None:
        """Passes on that a trial gives no sign of life; it is killed next, and so it fails."""
        block, seconds = self._blocks[trial], self._job["silence"]
        self._hung[process] = time.monotonic()
        self._guarded(self._observer.trial_hung, block, process, seconds)
        why = f"{process} gave no sign of life for {seconds:.0f} s and was killed\n"
        self.failed_to_start(*block.key, why)

    def ended(self, trial: str, stopped: bool, failed: bool, holder: str | None = None) -> None:
        """Takes a trial's results from the store, however it ended.

        stopped: it was asked to stop. holder: the other process that has some of its runs.
        """
        block, step = self._blocks.pop(trial), self._steps.pop(trial, 0)
        self._training.discard(trial)
        if stopped:
            return  # it resumes in another session
        if holder is not None and not self._is_undead(holder):
            self._held.append(block)
            self._waited.add(block.key)
            return
        if failed and self._retries.grants(block, step):
            self._again.append(block)
            return
        self.moved = True
        complete = self._guarded(self._queue.ended, block)
        self._guarded(self._observer.trial_ended, block, bool(complete))

    def _is_undead(self, process: str) -> bool:
        """Whether it has outlived its killing, as only one that hangs in the kernel does."""
        return time.monotonic() - self._hung.get(process, math.inf) > UNDEAD

    def lost(self) -> None:
        """Takes back all running blocks: what ran them is gone, through no fault of theirs."""
        self._again.extendleft(reversed(self._blocks.values()))
        self._blocks.clear()
        self._steps.clear()
        self._training.clear()

    def failed_to_start(self, setting: int, block: int, traceback: str) -> None:
        """Keeps the traceback of a trial that could not do so itself, unless one exists."""
        key = error_key(self._job["sweep"], setting, block)
        if not self._guarded(self._store.exists, key):
            self._guarded(self._store.write_text, key, traceback)

    def _guarded(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except Exception as error:
            self.error = self.error or error
            return None
