"""The store: where finished runs and the settings of sweeps live. It is the truth.

    runs/<run id>/                              one model: its files, result.json written last
    baselines/<id>.json                         scores of one baseline on one data set
    sweeps/<name>/spec.yaml                     the sweep as it was last run
    sweeps/<name>/<search id>/settings/00000.json   {"number", "parameters", "runs": {seed: run id}}
    sweeps/<name>/report/                       the last report
    sweeps/<name>/metrics/<metric>.yaml         the sweep as it was run by another metric …
    sweeps/<name>/report-<metric>/              … and its report
    sweeps/<name>/lock                          held by the `sweep run` at work
    leases/<run id>                             held by the trial that trains or scores the run
    mlflow.db, mlruns/                          MLflow's; can be made again from the rest

Runs belong to no sweep: their ids hold all that decides their result. Settings belong to a search
(`SweepSpec.search_id`), so a sweep whose space was changed starts its own, beside the old one.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluation.result_file import record_of, result_of
from sweeps.glance import Glance
from sweeps.plan import Run, Setting
from sweeps.storage.folder import FolderStorage
from sweeps.storage.plain import check_files, plain_path
from sweeps.storage.record_index import RecordIndex
from sweeps.storage.record_reader import SETTINGS, RecordReader
from sweeps.storage.s3 import S3
from sweeps.storage.storage import Storage
from sweeps.sweepfile import SweepSpec, check_name, load_spec, space
from trainer.config.schema import FieldError, build, suggestion
from trainer.errors import UserError
from trainer.files import parse_json, seal_holds, sealed
from trainer.run_files import RECORD_FILE

_SEARCH_ID = re.compile(r"[0-9a-f]{20}")
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Store:
    """A store in a folder or on S3. Keys are relative paths with `/`.

    >>> store = Store("store")
    >>> store.write_json("sweeps/mine/note.json", {"n": 1})
    >>> store.read_json("sweeps/mine/note.json")
    {'n': 1}

    Whoever works on the files of a folder calls `fetch` before and `keep` after; in a store that is
    a folder the files are there at once.
    """

    def __init__(self, location: str | Path) -> None:
        """A store at `location`, a folder or `s3://bucket/prefix`; nothing is made yet."""
        text = str(location)
        if not text.strip():
            raise UserError("store '': expected a folder or s3://BUCKET/PREFIX")
        if "://" in text and not text.startswith("s3://"):
            raise UserError(f"store {text!r}: expected a folder or s3://BUCKET/PREFIX")
        self._storage: Storage = S3(text) if text.startswith("s3://") else FolderStorage(location)
        self._reader = RecordReader(RecordIndex(self.location), self._storage.concurrency)

    @property
    def location(self) -> str:
        """What names it: the absolute path of its folder, or `s3://bucket/prefix`."""
        return self._storage.location

    @property
    def root(self) -> Path:
        """The folder it is, or the local folder of what was fetched from it."""
        return self._storage.root

    @property
    def is_remote(self) -> bool:
        """Whether it is not this machine's, so that each file that is looked at has to be sent."""
        return self._storage.is_remote

    def prepare(self) -> None:
        """Makes it ready and tries to write in it. Raises UserError when that cannot be."""
        self._storage.prepare()

    def path(self, key: str) -> Path:
        """The local path of a key. Raises UserError where it would lead out of the store."""
        return plain_path(self.root, key)

    def exists(self, key: str) -> bool:
        """Whether there is something under `key`."""
        return self._storage.exists(key)

    def names(self, key: str) -> list[str]:
        """Names of what is in the folder `key`, sorted; hidden and half-written files left out."""
        return self._storage.names(key)

    def read_text(self, key: str) -> str | None:
        """The text of a file; None when there is none."""
        content = self._storage.read(key)
        return None if content is None else content.decode("utf-8", errors="replace")

    def read_json(self, key: str) -> Any:
        """The value of a JSON file; None when there is none, or a damaged one."""
        content = self._storage.read(key)
        with contextlib.suppress(ValueError):
            return None if content is None else parse_json(content)
        return None

    def write_json(self, key: str, value: Any) -> None:
        """Writes a JSON file so that a reader sees the old or the new one, never a part."""
        self.write_text(key, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def read_record(self, key: str) -> dict[str, Any] | None:
        """What `write_record` wrote; None when there is none, or it was changed since."""
        record = self.read_json(key)
        return record if isinstance(record, dict) and seal_holds(record) else None

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Writes a JSON object with a checksum of itself, atomically."""
        self.write_json(key, sealed(record))

    def write_text(self, key: str, text: str) -> None:
        """Writes a text file, atomically."""
        self._storage.write(key, text.encode())

    def delete(self, key: str) -> None:
        """Deletes a file, if there is one."""
        self._storage.delete(key)

    def local(self, key: str) -> Path:
        """The local path of one file, where it is as it is in the store."""
        return self._storage.local(key)

    def fetch(self, key: str) -> Path:
        """Brings the files of a folder to its local path, and returns that."""
        self._storage.fetch(key)
        return self.path(key)

    def keep(self, key: str) -> None:
        """Takes what is new at the local path of a folder into the store."""
        self._storage.keep(key)

    def keep_file(self, key: str) -> None:
        """Takes one file from its local path into the store."""
        self._storage.keep_file(key)

    def run_folder(self, run_id: str) -> Path:
        """The local folder of a run, whether or not there is one yet."""
        return self.path(run_key(run_id))

    # What a sweep keeps.

    def result(self, run_id: str, hashes: bool = True) -> dict[str, Any] | None:
        """The result of a run; None when it is not done, or its files are not what it lists.

        hashes: compare the files' SHA-256; without, their sizes (for a glance at many runs).
        """
        return result_of(self._storage.files(run_key(run_id)), hashes)

    def results(
        self, run_ids: Sequence[str], hashes: bool = True
    ) -> dict[str, dict[str, Any] | None]:
        """As `result`, of many runs, by their ids; read side by side where that is faster."""
        if self._storage.concurrency == 1:
            return {run: self.result(run, hashes) for run in run_ids}
        with ThreadPoolExecutor(self._storage.concurrency) as pool:
            found = pool.map(lambda run: self.result(run, hashes), run_ids)
            return dict(zip(run_ids, found, strict=True))

    def glance(self) -> Glance:
        """What it has of runs, now; of many runs quicker than `results`."""
        return Glance(self._storage, self._reader)

    def is_trained(self, run_id: str) -> bool:
        """Whether the training of a run is over, well or not; it may not be scored yet."""
        files = self._storage.files(run_key(run_id))
        return record_of(files, RECORD_FILE, hashes=False).record is not None

    def settings(self, spec: SweepSpec) -> list[Setting]:
        """The settings of this search so far, in order of their numbers.

        Those that give every parameter of the sweep a value.
        """
        return [setting for setting, _ in self.recorded(spec)]

    def recorded_runs(self, spec: SweepSpec) -> dict[int, dict[int, str]]:
        """Run ids by setting number and seed, as recorded, of the seeds that the spec has."""
        return {setting.number: runs for setting, runs in self.recorded(spec)}

    def recorded(self, spec: SweepSpec) -> list[tuple[Setting, dict[int, str]]]:
        """As `settings`, with the run ids of each as in `recorded_runs`."""
        seeds = [(seed, str(seed)) for seed in spec.seed_list]
        return [
            (
                Setting(record.number, record.parameters),
                {seed: record.runs[text] for seed, text in seeds if text in record.runs},
            )
            for record in self._records(_settings(spec))
            if space.is_whole(spec.parameters, record.parameters)
        ]

    def earlier_settings(self, spec: SweepSpec) -> list[tuple[Mapping[str, Any], dict[int, str]]]:
        """Parameters of the settings of other searches of this name, with their runs by seed.

        The space, the method or what is trained was another then.
        """
        return [
            (record.parameters, {int(seed): run for seed, run in record.runs.items()})
            for search in sorted(self.searches(spec.name) - {spec.search_id})
            for record in self._records(f"sweeps/{spec.name}/{search}/settings")
        ]

    def searches(self, name: str) -> set[str]:
        """Ids of the searches of the sweep `name` so far."""
        return {s for s in self.names(f"sweeps/{name}") if _SEARCH_ID.fullmatch(s)}

    def record_setting(self, spec: SweepSpec, setting: Setting, runs: Sequence[Run]) -> None:
        """Records a setting and its runs; again when `runs` grew or changed."""
        ids = {str(run.config.seed): run.id for run in runs}
        record = _Record(setting.number, dict(setting.parameters), ids)
        self.write_record(f"{_settings(spec)}/{setting.number:05d}.json", asdict(record))

    def save_spec(self, spec: SweepSpec, metric: str | None = None) -> None:
        """Keeps the sweep file, so that `status`, `best` and `report` find it by its name.

        metric: of a sweep that was scored by another metric before; kept beside that one's file.
        """
        key = spec_key(spec.name) if metric is None else f"sweeps/{spec.name}/metrics/{metric}.yaml"
        self.write_text(key, spec.text)

    def other_metrics(self, name: str) -> list[SweepSpec]:
        """The files by which the sweep was scored by other metrics than its own."""
        found = []
        for file in self.names(f"sweeps/{name}/metrics"):
            with contextlib.suppress(UserError):  # damaged: it can be run again
                found.append(load_spec(self.local(f"sweeps/{name}/metrics/{file}")))
        return found

    def load_spec(self, name: str, overrides: Sequence[str] = ()) -> SweepSpec:
        """The sweep `name` as it was last run. Raises UserError when there is none."""
        try:
            check_name(name)
        except FieldError as error:
            raise UserError(f"sweep {error}") from None
        key = spec_key(name)
        if not self.exists(key):
            known = suggestion(name, self.names("sweeps"))
            raise UserError(f"no sweep named {name!r} in the store {self.location}{known}")
        return load_spec(self.local(key), overrides, trusted=False)

    def report_folder(self, spec: SweepSpec) -> Path:
        """The local folder of the sweep's report. Raises UserError for what is no file in it."""
        check_files(folder := self.path(report_key(spec)))
        return folder

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Holds the sweep `name` for this process. Raises UserError saying who else holds it."""
        busy = f"sweep {name!r} is being run by {{holder}}; wait for it, or stop it"
        return self._storage.lock(f"sweeps/{name}/lock", busy)

    def holder(self, name: str) -> str | None:
        """Who runs the sweep `name` now; None when nobody does."""
        return self._storage.holder(f"sweeps/{name}/lock")

    @contextlib.contextmanager
    def lease_runs(self, run_ids: Iterable[str]) -> Iterator[dict[str, str]]:
        """Leases runs to this process, in order of ids: those that no other process has.

        Gives who has the others, by id. Whoever trains or scores a run holds its lease.
        """
        with self._storage.leases([f"leases/{run}" for run in sorted(set(run_ids))]) as holders:
            yield {key.removeprefix("leases/"): holder for key, holder in holders.items()}

    def _records(self, folder: str) -> list["_Record"]:
        """What is recorded of the settings of a search; what is damaged is proposed anew."""
        files, found = self._storage.files(folder), {}
        places = {f"{folder}/{name}": (files, name) for name in files.names()}
        for key, record in self._reader.records(places, SETTINGS).items():
            with contextlib.suppress(FieldError):
                setting = build(_Record, record)
                if key == f"{folder}/{setting.number:05d}.json":
                    found[setting.number] = setting
        return [found[number] for number in sorted(found)]


@dataclass(frozen=True)
class _Record:
    """A setting as it is stored; `runs`: run ids by seed, whose digits JSON makes a text."""

    number: int
    parameters: Mapping[str, Any]
    runs: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.number < 0 or not all(map(_RUN_ID.fullmatch, self.runs.values())):
            raise FieldError("no setting with its runs")  # they name folders


def run_key(run_id: str) -> str:
    """Where a run's files are."""
    return f"runs/{run_id}"


def spec_key(name: str) -> str:
    """Where the file of the sweep `name` is."""
    return f"sweeps/{name}/spec.yaml"


def report_key(spec: SweepSpec) -> str:
    """Where the sweep's report is."""
    return f"sweeps/{spec.name}/report"


def _settings(spec: SweepSpec) -> str:
    return f"sweeps/{spec.name}/{spec.search_id}/settings"
