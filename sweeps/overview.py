"""A quick look at a store's runs, for commands that report on very many; each is read once."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evaluation.result_file import RESULT, Files
from sweeps.storage.record_reader import RESULTS, RecordReader
from sweeps.storage.storage import Storage, local_path

AT_ONCE = 1000  # results read before their common parts are shared
SAME = ("data", "health")  # parts of a result that are the same in many runs


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
        self._parts: dict[str, Any] = {}

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
        for start in range(0, len(new), AT_ONCE):
            places = self._places(new[start : start + AT_ONCE])
            for key, result in self._reader.records(places, RESULTS).items():
                self._results[_run_of(key)] = self._small(result)
        return {run: self._results[run] for run in run_ids if run in self._results}

    def _small(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The result in little memory: names, and what is the same in most runs, are kept once."""
        found: dict[str, Any] = _with_names_shared(result)
        for name in ("config", "training"):
            if isinstance(part := found.get(name), dict):
                found[name] = {key: self._shared(value) for key, value in part.items()}
        return found | {name: self._shared(found[name]) for name in SAME if name in found}

    def _shared(self, part: Any) -> Any:
        # by its text: 1 and 1.0 are equal, but not the same
        return self._parts.setdefault(repr(part), part) if isinstance(part, dict) else part

    def _places(self, run_ids: Iterable[str]) -> dict[str, tuple[Files, str]]:
        return {
            f"runs/{run}/{RESULT}": (self.runs[run], RESULT) for run in run_ids if run in self.runs
        }


def _run_of(key: str) -> str:
    return key.split("/")[1]


def _with_names_shared(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {sys.intern(name): _with_names_shared(value) for name, value in part.items()}
