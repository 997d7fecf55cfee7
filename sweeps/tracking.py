"""MLflow's copy of a sweep, written from one background thread; the store stays the truth."""

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.analysis.choose import SettingSummary
from evaluation.analysis.conclude import Conclusion
from sweeps import results
from sweeps.judging import judging
from sweeps.plan import Run, Setting, load_data
from sweeps.searcher import Searcher
from sweeps.spec import SweepSpec
from sweeps.store import Store
from sweeps.work import Observer, Result, Work

if TYPE_CHECKING:
    from sweeps.mlflow_writer import MlflowWriter

PAUSES = (0.5, 2.0, 8.0, 30.0)  # seconds before an item is tried again; the last one repeats
PATIENCE = 10.0  # seconds without a write after which `close` gives up

Item = Callable[["MlflowWriter"], None]


class Tracker(Observer):
    """Hands what happens in a sweep to MLflow without ever holding it up or stopping it.

    One thread writes, in order. What cannot be written is tried again, each time with a new
    connection that looks up what MLflow has, so that nothing is written twice. What is still not
    written when the sweep ends can be written later, from the store (`sync`).

    writer: makes the connection; called in the thread, since it is slow and may fail.
    """

    def __init__(self, writer: Callable[[], "MlflowWriter"]):
        self._make = writer
        self._items: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._failing_since: float | None = None
        self._last_write = time.monotonic()
        self._given_up = False
        self.problem: str | None = None  # why the last item could not be written
        self.unwritten = 0
        self._thread = threading.Thread(target=self._run, name="mlflow", daemon=True)
        self._thread.start()

    def run_ended(self, setting: Setting, run: Run, result: Result, stored: bool) -> None:
        """Queues a run."""
        self._items.put(lambda writer: writer.write_run(setting, result))

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """Queues the score of a setting."""
        if summary is not None:
            self._items.put(lambda writer: writer.write_setting(setting, summary))

    def sweep_ended(self, conclusion: Conclusion, report: Path | None) -> None:
        """Queues the answer and the folder of the report."""
        self._items.put(lambda writer: writer.write_sweep(conclusion, report))

    def close(self) -> bool:
        """Waits until all is written, or nothing has been for PATIENCE; whether all is written."""
        closing = time.monotonic()
        self._closing.set()
        self._items.put(None)
        while self._thread.is_alive():
            self._thread.join(timeout=0.05)
            # a call that hangs is left behind; the thread is a daemon
            if time.monotonic() > max(closing, self._last_write) + 2 * PATIENCE:
                return False
        return self.unwritten == 0

    def _run(self) -> None:
        writer: MlflowWriter | None = None
        while (item := self._items.get()) is not None:
            writer = self._write(item, writer)

    def _write(self, item: Item, writer: "MlflowWriter | None") -> "MlflowWriter | None":
        """Writes one item, however often it takes; gives the connection that did it."""
        tries = 0
        while not self._given_up:
            try:
                writer = writer or self._make()
                item(writer)
                self._failing_since, self._last_write = None, time.monotonic()
                return writer
            except Exception as error:  # whatever it is, training goes on
                self.problem = f"{type(error).__name__}: {error}".splitlines()[0]
                writer = None
            now = time.monotonic()
            self._failing_since = self._failing_since or now
            self._given_up = self._closing.is_set() and now > self._failing_since + PATIENCE
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            if not self._closing.wait(pause):
                tries += 1
            elif not self._given_up:
                time.sleep(PAUSES[0])
        self.unwritten += 1
        return None


def sync(spec: SweepSpec, store: Store) -> None:
    """Writes to MLflow, from the store, all of the sweep that it lacks. Raises what MLflow raises.

    Raises UserError while the sweep is being run.
    """
    from sweeps.mlflow_writer import MlflowWriter

    with store.lock(spec.name):
        data = load_data(spec)
        observer = _Synchronous(MlflowWriter(spec, store, judging(spec, data).measure))
        recorded = {s.number: s.parameters for s in store.settings(spec)}
        Work(spec, store, data, Searcher(spec, recorded), [observer]).replay()
        rows = results.rows(spec, store, data)
        if rows:
            folder = store.report_folder(spec)
            conclusion = results.concluded(spec, rows)
            observer.writer.write_sweep(conclusion, folder if folder.exists() else None)


class _Synchronous(Observer):
    """Writes at once, and lets errors through."""

    def __init__(self, writer: "MlflowWriter"):
        self.writer = writer

    def run_ended(self, setting: Setting, run: Run, result: Result, stored: bool) -> None:
        self.writer.write_run(setting, result)

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        if summary is not None:
            self.writer.write_setting(setting, summary)
