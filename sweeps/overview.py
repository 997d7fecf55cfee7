"""A quick look at a store's runs, for commands that report on very many; each is read once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evaluation.result_file import RESULT, Files
from sweeps.storage.record_reader import RESULTS, RecordReader
from sweeps.storage.storage import Storage, local_path


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended. state: finished or failed. evaluations: ids of its evaluations."""

    state: str
    evaluations: frozenset[str]

    def is_scored(self, evaluation: str) -> bool:
        """Whether it has this evaluation, or failed and needs none."""
        return self.state == "failed" or evaluation in self.evaluations


class Glance:
    """The runs in a store. The files that a result lists are checked by size only."""

    def __init__(self, storage: Storage, reader: RecordReader):
        self._storage, self._reader = storage, reader
        self._results: dict[str, dict[str, Any]] = {}
        self._requested: set[str] = set()

    @cached_property
    def runs(self) -> Mapping[str, Files]:
        """Folders of all runs, started or ended, by id."""
        return self._storage.folders("runs")

    def folder(self, run_id: str) -> Path:
        """The local folder of a run that has a result; `results` refused it if it was a link."""
        return local_path(self._storage.root, f"runs/{run_id}")

    def ended(self, run_ids: Iterable[str]) -> dict[str, EndedRun]:
        """The runs among these that have ended, by id."""
        heads = self._reader.heads(self._places(run_ids), RESULTS)
        return {
            _run_of(key): EndedRun(head["state"], frozenset(head["evaluations"]))
            for key, head in heads.items()
        }

    def results(self, run_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Results of the runs among these that have ended, by id."""
        run_ids = list(run_ids)
        new = [run for run in run_ids if run not in self._requested]
        self._requested.update(new)
        for key, result in self._reader.records(self._places(new), RESULTS).items():
            self._results[_run_of(key)] = result
        return {run: self._results[run] for run in run_ids if run in self._results}

    def _places(self, run_ids: Iterable[str]) -> dict[str, tuple[Files, str]]:
        return {
            f"runs/{run}/{RESULT}": (self.runs[run], RESULT) for run in run_ids if run in self.runs
        }


def _run_of(key: str) -> str:
    return key.split("/")[1]
