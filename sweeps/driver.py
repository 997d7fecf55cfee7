"""Runs a sweep from its file to its answer: the settings, the trials on Ray, MLflow, the report."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console

from evaluation.analysis.conclude import Conclusion
from evaluation.baselines.table import text
from sweeps import results
from sweeps.baselines import paper_table, prepare_baselines
from sweeps.cluster import cluster
from sweeps.judging import judging
from sweeps.plan import load_data
from sweeps.progress import Progress
from sweeps.searcher import Searcher
from sweeps.spec import SweepSpec
from sweeps.store import Store
from sweeps.tracking import Tracker
from sweeps.work import Work, error_key
from trainer.data.dataset import Dataset

if TYPE_CHECKING:
    from sweeps.mlflow_writer import MlflowWriter
    from sweeps.tune_search import Stop


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    conclusion: the answer; None when no setting is complete. report: its HTML page.
    trained: runs trained or scored by this call; stored: runs the store had before.
    failed: runs that diverged, of both. broken: tracebacks of trials that raised or died.
    tracked: whether MLflow has everything. interrupted: stopped by Ctrl-C or SIGTERM.
    """

    conclusion: Conclusion | None
    report: Path | None
    trained: int
    stored: int
    failed: int
    broken: tuple[Path, ...]
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
    judged = judging(spec, data)
    store.prepare()
    with store.lock(spec.name), _noise_kept(store.path(f"sweeps/{spec.name}/log.txt")):
        store.save_spec(spec)
        recorded = {setting.number: setting.parameters for setting in store.settings(spec)}
        total = spec.setting_count * len(spec.seed_list)
        progress = Progress(console, total, spec.metric.goal)
        tracker = Tracker(lambda: _writer(spec, store, judged.measure))
        try:
            work = Work(spec, store, data, Searcher(spec, recorded), (progress, tracker))
            work.replay()
            _announce(spec, data, judged.remarks, progress, console)
            prepare_baselines(spec, store, data, console)  # first: they show what labels lack
            stopped = _train(spec, store, data, work, progress, address, console)
            return _finish(spec, store, data, progress, tracker, stopped, console)
        finally:
            tracker.close()


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
        store.path(f"sweeps/{spec.name}/errors/{old}").unlink()
    where = "this machine" if address is None else address
    console.print(f"starting trials on {where}")
    with cluster(address, spec.resources) as folder, progress:
        from sweeps.tune_search import Stop, run_trials  # Ray, which `cluster` has set up

        stop = Stop()
        with _stopped_by_signals(stop):
            run_trials(spec, store, work, progress, folder, stop)
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
    rows = () if stopped else results.rows(spec, store, data)
    conclusion, report = None, None
    if rows:
        from sweeps.reporting import make_report  # Matplotlib

        conclusion = results.concluded(spec, rows)
        report = make_report(spec, store)
        tracker.sweep_ended(conclusion, report.parent)
    tracked = tracker.close()
    broken = [
        store.path(error_key(spec.name, *block.key)) for block in progress.broken if not stopped
    ]
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
    for line in _closing_words(spec, store, outcome, tracker.problem):
        console.print(line)
    lines = () if stopped else paper_table(spec, store, data)
    if lines:
        console.print(f"\nHiggins et al. 2017, Fig. 5:\n{text(lines)}")
    return outcome


def _closing_words(
    spec: SweepSpec, store: Store, outcome: Outcome, problem: str | None
) -> Iterator[str]:
    """What a sweep ends with: what went wrong first, the answer last."""
    if outcome.interrupted:
        yield "stopped; what is done is kept, and the same command goes on from there"
    if outcome.failed:
        yield f"{outcome.failed} runs diverged; they are not left out of the score"
    if outcome.broken:
        first = _last_line(outcome.broken[0])
        yield f"{len(outcome.broken)} trials broke off; run again to go on. The first: {first}"
    if not outcome.tracked:
        yield f"MLflow lacks some of it ({problem}); write it later with: sweep sync {spec.name}"
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
    yield f"runs in MLflow: sweep ui --store {store.root}"


def _last_line(traceback: Path) -> str:
    """What a traceback ends with, and where to read all of it."""
    try:
        text = traceback.read_text(encoding="utf-8").strip()
    except OSError:
        return "its worker died, as when a machine is lost or runs out of memory"
    return f"{text.splitlines()[-1]}  (all of it in {traceback})"


def _writer(spec: SweepSpec, store: Store, measure: str) -> "MlflowWriter":
    from sweeps.mlflow_writer import MlflowWriter  # MLflow: a second, paid in its thread

    return MlflowWriter(spec, store, measure)


@contextlib.contextmanager
def _stopped_by_signals(stop: "Stop") -> Iterator[None]:
    """The first SIGINT or SIGTERM asks the trials to stop; a second one acts as it always does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is given signals
        return
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}

    def request(number: int, frame: FrameType | None) -> None:
        stop.requested = True
        for sign, handler in before.items():
            signal.signal(sign, handler)

    for sign in before:
        signal.signal(sign, request)
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


@contextlib.contextmanager
def _noise_kept(log: Path) -> Iterator[None]:
    """Sends what Ray, Optuna and MLflow print, and their warnings, to a file."""
    with (
        open(log, "w", encoding="utf-8", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        yield
