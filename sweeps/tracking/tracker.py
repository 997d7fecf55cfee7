"""Copies of a sweep for people to view, in MLflow and Optuna; the store stays authoritative."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.analysis.answer import Answer
from evaluation.analysis.formatting import finite_or_none
from evaluation.analysis.settings.summary import SettingSummary
from sweeps import sweep_results
from sweeps.console.printing import command
from sweeps.plan import Run, Setting
from sweeps.run_store import Store, report_key
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from sweeps.tracking.background import LONGEST_CLOSE, Background
from sweeps.tracking.optuna_study import OptunaWriter, StudyEntry, storage_url
from sweeps.trials.trial_queue import Block, Observer, Result, TrialQueue
from trainer.errors import UserError

if TYPE_CHECKING:
    from sweeps.tracking.mlflow.writer import MlflowWriter


class Tracker(Observer):
    """Passes a sweep's events to MLflow, and to Optuna if $OPTUNA_STORAGE is set.

    It never delays or stops the sweep. What is not written when the sweep ends can be written
    later, from the store (`sync`).

    say: called with a message when a server fails.
    """

    def __init__(self, sweep: Sweep, say: Callable[[str], None] | None = None):
        spec, store, metric = sweep.spec, sweep.store, sweep.metrics.metric
        self._sweep, self._store = spec.name, store
        self._mlflow = Background(
            "MLflow", lambda: _mlflow_writer(spec, store, metric), _refused_by_mlflow, say
        )
        self._begun: set[int] = set()
        # in a race, settings run until it is over: each may get more seeds
        self._is_race = spec.racing is not None
        self._so_far: dict[int, dict[int, float]] = {}
        self._last: dict[int, tuple[Setting, StudyEntry]] = {}
        self._optuna: Background[OptunaWriter] | None = None
        if url := storage_url():
            entries: dict[int, StudyEntry] = {}
            self._optuna = Background(
                "Optuna", lambda: OptunaWriter(spec, store, url, entries), _refused_by_optuna, say
            )

    def run_ended(self, setting: Setting, run: Run, result: Result, stored: bool) -> None:
        """Queues a run, without its result, which is in the store."""
        evaluation = result["evaluation"]

        def write(writer: "MlflowWriter") -> None:
            found = sweep_results.scored(self._store, [run.id], setting.number, evaluation)
            for kept in found.values():
                writer.write_run(setting, kept)

        self._mlflow.put(write)

    def trial_began(self, block: Block) -> None:
        """Queues settings as running, when the first of their blocks begins."""
        for setting in block.all_settings:
            if setting.number not in self._begun:
                self._begun.add(setting.number)
                self._put_entry(setting, StudyEntry(dict(setting.parameters), "running"))

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """Queues the score of a setting; in a race, its score so far."""
        score = None if summary is None else finite_or_none(summary.score)
        parameters = dict(setting.parameters)
        entry = StudyEntry(parameters, "fail" if score is None else "complete", score)
        if self._is_race and summary is not None and score is not None:
            so_far = self._so_far.setdefault(setting.number, {})
            so_far[summary.seeds] = score
            self._last[setting.number] = setting, replace(entry, so_far=dict(so_far))
            entry = StudyEntry(parameters, "running", so_far=dict(so_far))
        self._put_entry(setting, entry)
        if summary is not None:
            self._mlflow.put(lambda writer: writer.write_setting(setting, summary))

    def setting_pruned(self, setting: Setting) -> None:
        """Queues a setting as pruned."""
        self._put_entry(setting, StudyEntry(dict(setting.parameters), "pruned"))

    def sweep_ended(self, answer: Answer, report: Path | None) -> None:
        """Queues the answer and the folder of the report."""

        def write(writer: "MlflowWriter") -> None:
            if self._mlflow.problem is not None:
                writer.remove_doubles()
            writer.write_sweep(answer, report)

        self._mlflow.put(write)
        for setting, entry in self._last.values():
            self._put_entry(setting, entry)
        if self._optuna is not None:
            self._optuna.put(lambda writer: writer.write_sweep())

    def close(self, seconds: float = LONGEST_CLOSE) -> bool:
        """Waits until all is written, at most `seconds`; returns whether it is.

        Gives up sooner on a server that keeps failing (`background.PATIENCE`).
        """
        end = time.monotonic() + seconds
        for copy in self._copies():
            copy.finish()
        return all([copy.close(max(0.0, end - time.monotonic())) for copy in self._copies()])

    def lacking(self) -> list[str]:
        """What is not written, why, and the command that writes it: one line per server."""
        return [
            f"{copy.name} lacks {copy.unwritten} of {copy.items} entries "
            f"({copy.problem or 'it is slow'}); write them later with: "
            f"{command('sync', self._sweep, store=self._store)}"
            for copy in self._copies()
            if copy.unwritten
        ]

    def _put_entry(self, setting: Setting, entry: StudyEntry) -> None:
        if self._optuna is not None:
            self._optuna.put(lambda writer: writer.write_setting(setting.number, entry))

    def _copies(self) -> "Iterator[Background[MlflowWriter] | Background[OptunaWriter]]":
        yield self._mlflow
        if self._optuna is not None:
            yield self._optuna


def sync(spec: SweepSpec, store: Store) -> None:
    """Writes everything that MLflow and Optuna lack of the sweep, from the store.

    Raises UserError when they cannot be written, and while the sweep is being run.
    """
    with store.lock(spec.name):
        sweep = Sweep.load(spec, store)
        tracker = Tracker(sweep)
        TrialQueue.resume(sweep, [tracker]).replay()
        snapshot = sweep.snapshot()
        if snapshot.rows:
            folder = store.fetch(report_key(spec))
            tracker.sweep_ended(snapshot.answer, folder if folder.exists() else None)
        if not tracker.close(seconds=math.inf):
            raise UserError("; ".join(tracker.lacking()))


def _mlflow_writer(spec: SweepSpec, store: Store, metric: str) -> "MlflowWriter":
    from sweeps.tracking.mlflow.writer import MlflowWriter

    return MlflowWriter(spec, store, metric)


def _refused_by_mlflow(error: Exception) -> bool:
    """For example, a param that would have to change, or an invalid address."""
    return (
        isinstance(error, UserError)
        or getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE"
    )


def _refused_by_optuna(error: Exception) -> bool:
    """For example, a parameter outside its range."""
    return isinstance(error, ValueError)
