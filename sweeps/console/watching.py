"""A sweep's progress, polled from its store by anyone who can read it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evaluation.analysis.choose import Choice, choose
from evaluation.analysis.formatting import duration
from sweeps.console.progress import words_of
from sweeps.overview import Glance
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweep_results import Status, status
from sweeps.sweepfile import SweepSpec
from trainer.errors import UserError


@dataclass(frozen=True)
class View:
    """A sweep at one moment.

    choice: its settings so far, ranked by score; None if none is scored, or if the images, needed
        to match scores, are not on this machine.
    seconds_left: at the pace since watching began; None before there is one.
    """

    name: str
    counts: Status
    choice: Choice | None
    seconds_left: float | None

    @property
    def line(self) -> str:
        """Runs by state, the best setting so far, the time left."""
        now = self.counts
        parts = [f"{self.name}: {now.finished + now.failed} of {now.total} runs"]
        parts += [f"{now.failed} failed"] if now.failed else []
        parts.append(f"{now.settings} of {now.settings_total} settings")
        if self.choice is not None and self.choice.best.finished:
            parts.append(f"best so far {words_of(self.choice.best)}")
        if self.seconds_left is not None and now.running and now.pending:
            parts.append(f"about {duration(self.seconds_left)} left")
        return ", ".join(parts)

    @property
    def who(self) -> str:
        """Who runs it, or its state."""
        if self.counts.running:
            return f"being run by {self.counts.running}"
        return "complete" if self.counts.pending == 0 else "not running; run it again to resume"


class Watched:
    """A sweep that another process may be running.

    clock: seconds, for the pace.
    """

    def __init__(self, spec: SweepSpec, store: Store, clock: Callable[[], float] = time.monotonic):
        self._spec, self._store, self._clock = spec, store, clock
        self._first: tuple[float, int] | None = None
        try:
            self._sweep: Sweep | None = Sweep.load(spec, store)
        except UserError:
            self._sweep = None  # the images are not here: only counts

    def views(self, wait: Callable[[], None]) -> Iterator[View]:
        """A view whenever something has changed; the last one once nobody runs it any more."""
        last: View | None = None
        while True:
            view = self.look()
            if last is None or (view.counts, view.who) != (last.counts, last.who):
                yield view
            if view.counts.running is None:
                return
            last = view
            wait()

    def look(self) -> View:
        """The current state of the sweep in its store."""
        glance = self._store.glance()
        held = self._sweep.held(glance) if self._sweep else None
        counts = status(self._spec, self._store, held, glance)
        return View(self._spec.name, counts, self._choice(glance), self._seconds_left(counts))

    def _choice(self, glance: Glance) -> Choice | None:
        rows = self._sweep.snapshot(glance).rows if self._sweep else ()
        return choose(rows, self._spec.metric.goal) if rows else None

    def _seconds_left(self, counts: Status) -> float | None:
        ended = counts.finished + counts.failed
        if self._first is None:
            self._first = self._clock(), ended
        start, before = self._first
        if ended == before:
            return None
        return counts.pending * (self._clock() - start) / (ended - before)
