"""Runs a sweep from file to answer: the settings, the trials on Ray, MLflow, the report."""

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console

from evaluation.analysis.answer import Answer
from evaluation.analysis.formatting import count
from evaluation.analysis.sentences import headline
from evaluation.baselines.table import text, title
from sweeps.cluster.connection import check_address
from sweeps.cluster.ray_process import ray_process
from sweeps.console.inverted_u import draw_inverted_u
from sweeps.console.journal import Journal, log_key
from sweeps.console.printing import command, plain_console
from sweeps.console.progress import Progress
from sweeps.console.streams import unfailing
from sweeps.costs.planned import Planned
from sweeps.reporting.baselines import paper_table, prepare_baselines
from sweeps.run_store import Store, error_key
from sweeps.scheduling.unscored import take_up_again
from sweeps.storage.safe_paths import check_files
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.starter import remarks_on_cost
from sweeps.tracking.background import LONGEST_CLOSE
from sweeps.tracking.tracker import Tracker
from sweeps.trials import signals, stopping
from sweeps.trials.trial_queue import Block, TrialQueue
from trainer.data.describe import describe

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SHOWN = 5  # failed trials, at most
STOPPED_CLOSE = 5.0  # seconds that MLflow may take when the sweep was interrupted


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    answer: which setting to use; None when no setting is complete. report: its HTML page.
    trained: runs trained or scored by this call; stored: runs already in the store.
    failed: runs of either kind that diverged. unknown: why some runs have no score, in sentences;
    an answer has them, too.
    broken: a line per trial that raised or died.
    tracked: whether MLflow has everything. interrupted: stopped by Ctrl-C or SIGTERM.
    """

    answer: Answer | None
    report: Path | None
    trained: int
    stored: int
    failed: int
    unknown: tuple[str, ...]
    broken: tuple[str, ...]
    tracked: bool
    interrupted: bool


def run(
    spec: SweepSpec, store: Store, address: str | None = None, console: Console | None = None
) -> Outcome:
    """Runs a sweep to its end or an interruption; trains nothing that the store already has.

    address: a running Ray cluster; None starts Ray on this machine. console: where to show
    progress and the answer; standard output by default.
    Raises UserError, before anything starts, for mistakes that the user can fix.
    """
    # bound to the current stream: while Ray runs, sys.stdout goes to the log
    console = console or plain_console(cast(IO[str], unfailing(sys.stdout)), soft_wrap=True)
    sweep = Sweep.load(spec, store)
    sweep.check()
    if address is not None and not store.names("runs"):
        check_address(address)  # a wrong address must not leave an empty store
    store.prepare()
    check_files(store.path(sweep.report_key))  # else a link there is found only after training
    with store.lock(spec.name), _library_output_logged(store.path(log_key(spec.name))):
        stopping.forget(store, spec.name)
        take_up_again(store, spec.name)
        sweep.save()
        goal = spec.metric.goal
        progress = Progress(console, spec.most_runs, goal, least=spec.least_work)
        tracker = Tracker(sweep, say=console.print)
        observers = (progress, tracker, Journal(store, spec.name))
        try:
            session = _Session(
                sweep, TrialQueue.resume(sweep, observers), progress, tracker, console
            )
            return session.run(address)
        finally:
            tracker.close(STOPPED_CLOSE)


@dataclass(frozen=True)
class _Session:
    """One call of `run`: a sweep, its remaining work, and its observers."""

    sweep: Sweep
    queue: TrialQueue
    progress: Progress
    tracker: Tracker
    console: Console

    def run(self, address: str | None) -> Outcome:
        self.queue.replay()
        self._announce()
        prepare_baselines(self.sweep, self.console)  # first: they show whether labels suffice
        return self._finish(stopped=self._train(address))

    def _announce(self) -> None:
        spec, data, console = self.sweep.spec, self.sweep.data, self.console
        store, planned = self.sweep.store, None
        if not store.is_remote and (glance := store.glance()).runs:
            planned = Planned.of(self.sweep, glance)
        settings = planned.settings_total if planned else spec.first_settings
        of_seeds = f"{count(settings, 'setting')} of {spec.seeds_in_words}"
        console.print(f"{spec.name}: {of_seeds}, {spec.method}")
        images = "×".join(map(str, data.shape))
        console.print(f"{data.name} ({data.source}): {len(data):,} images of {images}")
        said = [*describe(data), *self.sweep.metrics.remarks]
        for remark in [*said, *remarks_on_cost(spec, data)]:
            console.print(remark)
        if planned is not None and planned.in_store:
            console.print(f"in the store: {planned.in_words()}")
        elif self.progress.stored and planned is None:  # a bucket is not searched for more
            console.print(f"in the store: {count(self.progress.stored, 'run')}")

    def _train(self, address: str | None) -> bool:
        """Trains and scores everything missing; returns whether it was stopped by a signal."""
        if not self.queue.more():
            return False
        sweep, store = self.sweep, self.sweep.store
        self.console.print("preparing the images")
        sweep.data.stored()  # once, before many trials each start doing so
        for old in store.names(f"sweeps/{sweep.name}/errors"):
            store.delete(f"sweeps/{sweep.name}/errors/{old}")
        where = "this machine" if address is None else address
        self.console.print(f"starting trials on {where}")
        with ray_process(address, sweep.spec.resources, self.console.print) as ray, self.progress:
            stop = stopping.StopRequest()
            budget = self.sweep.spec.budget
            with (
                _deadline(stop, budget.most_hours),
                signals.heeded(stop, before_exit=self.console.show_cursor),
                stopping.heeded(store, sweep.name, stop),
            ):
                ray.run(sweep, self.queue, self.progress, stop)
        if stop.expired:
            spent = f"the budget of {budget.in_words()} is used up"
            self.console.print(f"{spent}; run it again to spend as much on the rest")
        return stop.requested and not stop.expired

    def _finish(self, stopped: bool) -> Outcome:
        """Writes the report, completes MLflow and prints the answer."""
        snapshot = None if stopped else self.sweep.snapshot()
        answer, report = None, None
        if snapshot is not None and snapshot.rows:
            from sweeps.reporting.report import make_report  # Matplotlib

            answer = snapshot.answer
            report = make_report(snapshot)
            if self.sweep.is_first_metric:
                self.tracker.sweep_ended(answer, report.parent)
        tracked = self.tracker.close(STOPPED_CLOSE if stopped else LONGEST_CLOSE)
        broken = () if stopped else tuple(_why(b, self.sweep) for b in self.progress.broken)
        outcome = Outcome(
            answer=answer,
            report=report,
            trained=self.progress.trained,
            stored=self.progress.stored,
            failed=self.progress.failed,
            unknown=() if snapshot is None else snapshot.unknown,
            broken=broken,
            tracked=tracked,
            interrupted=stopped,
        )
        if outcome.answer is not None:
            draw_inverted_u(outcome.answer.choice, self.console)
        for line in _closing_words(self.sweep, outcome, self.tracker.lacking()):
            self.console.print(line)
        lines = () if snapshot is None else paper_table(snapshot)
        if lines:
            self.console.print(f"\n{title(lines)}:\n{text(lines)}")
        return outcome


@contextlib.contextmanager
def _deadline(stop: stopping.StopRequest, hours: float | None) -> Iterator[None]:
    """Stops the sweep after this many hours."""
    if hours is None:
        yield
        return

    def expire() -> None:
        stop.expired = not stop.requested
        stop.requested = True

    timer = threading.Timer(min(hours * 3600, threading.TIMEOUT_MAX), expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _closing_words(sweep: Sweep, outcome: Outcome, lacking: Iterable[str]) -> Iterator[str]:
    """The final lines of a sweep: problems first, the answer last."""
    if outcome.interrupted:
        yield (
            "stopped; progress is kept: run it again to resume, or see the answer so far: "
            f"{command('best', sweep.name, store=sweep.store)}"
        )
    if outcome.failed:
        they = "it counts" if outcome.failed == 1 else "they count"
        yield f"{count(outcome.failed, 'run')} diverged; {they} towards the score"
    if outcome.answer is None:
        yield from outcome.unknown
    if outcome.broken:
        them = "it" if len(outcome.broken) == 1 else "them"
        yield f"{count(len(outcome.broken), 'trial')} failed; run it again to retry {them}"
        yield from (f"  {line}" for line in outcome.broken[:SHOWN])
    yield from lacking
    if outcome.answer is None:
        if not outcome.interrupted:
            yield "no run has a score yet, so there is no answer; what was trained is kept"
        return
    best = outcome.answer.best
    yield headline(best)
    for sentence in best.sentences:
        yield f"  {sentence}"
    yield f"report: {outcome.report}"
    yield f"runs in MLflow: {command('ui', store=sweep.store)}"


def _why(block: Block, sweep: Sweep) -> str:
    """Which trial failed, the last line of its first traceback, and where to read it in full."""
    key = error_key(sweep.name, *block.key)
    seeds = ", ".join(str(run.config.seed) for run in block.runs)
    trial = f"setting {block.setting.number}, seeds {seeds}"
    traceback = (sweep.store.read_text(key) or "").strip()
    if not traceback:
        return f"{trial}: its worker died; its machine may be lost or out of memory"
    return f"{trial}: {traceback.splitlines()[-1]}  (traceback: {sweep.store.location}/{key})"


@contextlib.contextmanager
def _library_output_logged(log: Path) -> Iterator[None]:
    """Redirects the output and warnings of Ray, Optuna and MLflow to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)  # for a remote store, the local folder
    with (
        io.BufferedWriter(_Log(log, "w", opener=_open_nofollow)) as written,
        io.TextIOWrapper(written, encoding="utf-8", line_buffering=True) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield


def _open_nofollow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


class _Log(io.FileIO):
    """Drops lines when the disk is full, so that writers continue."""

    def write(self, content: "ReadableBuffer", /) -> int:
        try:
            return super().write(content)
        except OSError:
            return memoryview(content).nbytes
