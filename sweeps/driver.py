"""Runs a sweep from its file to its answer: the settings, the trials on Ray, MLflow, the report."""

import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from evaluation.analysis.conclude import Conclusion
from evaluation.baselines.table import text
from sweeps import sweep_results
from sweeps.journal import Journal, log_key
from sweeps.metric_plan import plan_metrics
from sweeps.plan import load_data
from sweeps.progress import Progress
from sweeps.reporting.baselines import paper_table, prepare_baselines
from sweeps.run_store import Store
from sweeps.search.searcher import Searcher
from sweeps.search.trial_queue import Block, Work, error_key
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.compatibility import check_models
from sweeps.tracking.background import LONGEST_CLOSE
from sweeps.tracking.tracker import Tracker
from sweeps.trials import signals, stopping
from sweeps.trials.ray_process import ray_process
from trainer.data.dataset import Dataset

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SHOWN = 5  # trials that broke off at most
STOPPED_CLOSE = 5.0  # seconds that MLflow may take when the sweep was interrupted


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    conclusion: the answer; None when no setting is complete. report: its HTML page.
    trained: runs trained or scored by this call; stored: runs the store had before.
    failed: runs that diverged, of both. broken: a line on each trial that raised or died.
    tracked: whether MLflow has everything. interrupted: stopped by Ctrl-C or SIGTERM.
    """

    conclusion: Conclusion | None
    report: Path | None
    trained: int
    stored: int
    failed: int
    broken: tuple[str, ...]
    tracked: bool
    interrupted: bool


def run(
    spec: SweepSpec, store: Store, address: str | None = None, console: Console | None = None
) -> Outcome:
    """Runs a sweep to its end, or to an interruption; trains nothing that the store has.

    address: of a running Ray cluster; None starts Ray on this machine. console: where to show
    progress and the answer; standard output by default.
    Raises UserError, before anything is started, for what the user can mend.
    """
    # bound to the stream of now: while Ray is at work, sys.stdout goes to the log
    console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)
    data = load_data(spec)
    judged = plan_metrics(spec, data)
    check_models(spec, data)
    store.prepare()
    with store.lock(spec.name), _noise_kept(store.path(log_key(spec.name))):
        stopping.forget(store, spec.name)
        store.save_spec(spec)
        recorded = {setting.number: setting.parameters for setting in store.settings(spec)}
        total = spec.setting_count * len(spec.seed_list)
        progress = Progress(console, total, spec.metric.goal)
        tracker = Tracker(spec, store, judged.metric, say=console.print)
        try:
            observers = (progress, tracker, Journal(store, spec.name))
            work = Work(spec, store, data, Searcher(spec, recorded), observers)
            work.replay()
            _announce(spec, data, judged.remarks, progress, console)
            prepare_baselines(spec, store, data, console)  # first: they show what labels lack
            stopped = _train(spec, store, data, work, progress, address, console)
            return _finish(spec, store, data, progress, tracker, stopped, console)
        finally:
            tracker.close(STOPPED_CLOSE)


def _announce(
    spec: SweepSpec,
    data: Dataset,
    remarks: Iterable[str],
    progress: Progress,
    console: Console,
) -> None:
    seeds = len(spec.seed_list)
    console.print(f"{spec.name}: {spec.setting_count} settings of {seeds} seeds, {spec.method}")
    images = "×".join(map(str, data.shape))
    console.print(f"{data.name} ({data.source}): {len(data):,} images of {images}")
    for remark in remarks:
        console.print(remark)
    if progress.stored:
        console.print(f"in the store already: {progress.stored} runs")


def _train(
    spec: SweepSpec,
    store: Store,
    data: Dataset,
    work: Work,
    progress: Progress,
    address: str | None,
    console: Console,
) -> bool:
    """Trains and scores all that is missing; whether it was stopped by a signal."""
    if not work.more():
        return False
    console.print("preparing the images")
    data.stored()  # once, before many trials would each begin to
    for old in store.names(f"sweeps/{spec.name}/errors"):
        store.delete(f"sweeps/{spec.name}/errors/{old}")
    where = "this machine" if address is None else address
    console.print(f"starting trials on {where}")
    with ray_process(address, spec.resources, console.print) as ray, progress:
        stop = stopping.Stop()
        with (
            signals.heeded(stop, before_exit=console.show_cursor),
            stopping.heeded(store, spec.name, stop),
        ):
            ray.run(spec, store, work, progress, stop)
    return stop.requested


def _finish(
    spec: SweepSpec,
    store: Store,
    data: Dataset,
    progress: Progress,
    tracker: Tracker,
    stopped: bool,
    console: Console,
) -> Outcome:
    """Writes the report, completes MLflow and prints the answer."""
    rows = () if stopped else sweep_results.rows(spec, store, data)
    conclusion, report = None, None
    if rows:
        from sweeps.reporting.report import make_report  # Matplotlib

        conclusion = sweep_results.concluded(spec, rows)
        report = make_report(spec, store)
        tracker.sweep_ended(conclusion, report.parent)
    tracked = tracker.close(STOPPED_CLOSE if stopped else LONGEST_CLOSE)
    broken = [_why(block, spec, store) for block in progress.broken if not stopped]
    outcome = Outcome(
        conclusion=conclusion,
        report=report,
        trained=progress.trained,
        stored=progress.stored,
        failed=progress.failed,
        broken=tuple(broken),
        tracked=tracked,
        interrupted=stopped,
    )
    for line in _closing_words(spec, store, outcome, tracker.lacking()):
        console.print(line)
    lines = () if stopped else paper_table(spec, store, data)
    if lines:
        console.print(f"\nHiggins et al. 2017, Fig. 5:\n{text(lines)}")
    return outcome


def _closing_words(
    spec: SweepSpec, store: Store, outcome: Outcome, lacking: Iterable[str]
) -> Iterator[str]:
    """What a sweep ends with: what went wrong first, the answer last."""
    if outcome.interrupted:
        yield "stopped; what is done is kept, and the same command goes on from there"
    if outcome.failed:
        yield f"{outcome.failed} runs diverged; they are not left out of the score"
    if outcome.broken:
        yield f"{len(outcome.broken)} trials broke off; the same command tries them again"
        yield from (f"  {line}" for line in outcome.broken[:SHOWN])
    yield from lacking
    if outcome.conclusion is None:
        return
    best = outcome.conclusion.choice.best
    spread = "" if best.spread != best.spread else f" ± {best.spread:.3f}"
    yield (
        f"best β: {best.beta:.4g}  (β_norm {best.beta_norm:.4g}, M {best.latents}), "
        f"score {best.score:.3f}{spread} over {best.seeds} seeds"
    )
    for sentence in outcome.conclusion.sentences():
        yield f"  {sentence}"
    yield f"report: {outcome.report}"
    yield f"runs in MLflow: sweep ui --store {store.location}"


def _why(block: Block, spec: SweepSpec, store: Store) -> str:
    """Which trial broke off, what its first traceback ends with, and where to read all of it."""
    key = error_key(spec.name, *block.key)
    seeds = ", ".join(str(run.config.seed) for run in block.runs)
    trial = f"setting {block.setting.number}, seeds {seeds}"
    traceback = (store.read_text(key) or "").strip()
    if not traceback:
        return f"{trial}: its worker died, as when a machine is lost or runs out of memory"
    return f"{trial}: {traceback.splitlines()[-1]}  (all of it in {store.location}/{key})"


@contextlib.contextmanager
def _noise_kept(log: Path) -> Iterator[None]:
    """Sends what Ray, Optuna and MLflow print, and their warnings, to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)  # of a store elsewhere, the local folder
    with (
        io.BufferedWriter(_Log(log, "w")) as written,
        io.TextIOWrapper(written, encoding="utf-8", line_buffering=True) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield


class _Log(io.FileIO):
    """On a full disk it loses lines; whoever prints one goes on."""

    def write(self, content: "ReadableBuffer", /) -> int:
        try:
            return super().write(content)
        except OSError:
            return memoryview(content).nbytes
