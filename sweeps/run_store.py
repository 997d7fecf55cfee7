"""The store: where finished runs and the settings of sweeps are kept. It is authoritative.

    runs/<run id>/                              one model: its files, result.json written last
    baselines/<id>.json                         scores of one baseline on one data set
    sweeps/<name>/spec.yaml                     the sweep as it was last run
    sweeps/<name>/<search id>/settings/00000.json   {"number", "parameters", "runs": {seed: run id}}
    sweeps/<name>/report/                       the last report
    sweeps/<name>/metrics/<metric>.yaml         the sweep as run with another metric …
    sweeps/<name>/report-<metric>/              … and its report
    sweeps/<name>/lock                          held by the running `sweep run`
    leases/<run id>                             held by the trial that trains or scores the run
    mlflow.db, mlruns/                          MLflow's; can be rebuilt from the rest

Runs belong to no sweep: their ids cover everything that affects their result. Settings belong to a
search (`SweepSpec.search_id`), so a sweep whose space was changed starts a new one next to the old.
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
from sweeps.overview import Glance
from sweeps.plan import Run, Setting
from sweeps.search import space
from sweeps.storage.folder import FolderStorage
from sweeps.storage.record_index import RecordIndex
from sweeps.storage.record_reader import SETTINGS, RecordReader
from sweeps.storage.s3 import S3
from sweeps.storage.safe_paths import check_files, plain_path
from sweeps.storage.storage import Storage
from sweeps.sweepfile import SweepSpec, check_name, is_sweep_file, load_spec
from sweeps.sweepfile.stamped import stamped, was_changed
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

    Code that works on the files of a folder calls `fetch` before and `keep` after; in a store that
    is a folder both are immediate.
    """

    def __init__(self, location: str | Path) -> None:
        """A store at `location`, a folder or `s3://bucket/prefix`; nothing is created yet."""
        text = str(location)
        if not text.strip():
            raise UserError("store '': expected a folder or s3://BUCKET/PREFIX")
        if "://" in text and not text.startswith("s3://"):
            raise UserError(f"store {text!r}: expected a folder or s3://BUCKET/PREFIX")
        self._storage: Storage = S3(text) if text.startswith("s3://") else FolderStorage(location)
        self._reader = RecordReader(RecordIndex(self.location), self._storage.concurrency)

    @property
    def location(self) -> str:
        """The absolute path of its folder, or `s3://bucket/prefix`."""
        return self._storage.location

    @property
    def root(self) -> Path:
        """Its folder, or the local folder of what was fetched from it."""
        return self._storage.root

    @property
    def is_remote(self) -> bool:
        """Whether it is not on this machine, so that each file read has to be transferred."""
        return self._storage.is_remote

    def prepare(self) -> None:
        """Creates it and tries to write to it. Raises UserError if that fails."""
        self._storage.prepare()

    def path(self, key: str) -> Path:
        """The local path of a key. Raises UserError where it would lead outside the store."""
        return plain_path(self.root, key)

    def exists(self, key: str) -> bool:
        """Whether `key` exists."""
        return self._storage.exists(key)

    def names(self, key: str) -> list[str]:
        """Sorted names in the folder `key`, without hidden and half-written files."""
        return self._storage.names(key)

    def read_text(self, key: str) -> str | None:
        """The text of a file; None if it does not exist."""
        content = self._storage.read(key)
        return None if content is None else content.decode("utf-8", errors="replace")

    def read_json(self, key: str) -> Any:
        """The value of a JSON file; None if missing or damaged."""
        content = self._storage.read(key)
        with contextlib.suppress(ValueError):
            return None if content is None else parse_json(content)
        return None

    def write_json(self, key: str, value: Any) -> None:
        """Writes a JSON file so that a reader sees the old or the new one, never a partial one."""
        self.write_text(key, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def read_record(self, key: str) -> dict[str, Any] | None:
        """What `write_record` wrote; None if missing or changed since."""
        record = self.read_json(key)
        return record if isinstance(record, dict) and seal_holds(record) else None

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Writes a JSON object with its checksum, atomically."""
        self.write_json(key, sealed(record))

    def write_text(self, key: str, text: str) -> None:
        """Writes a text file, atomically."""
        self._storage.write(key, text.encode())

    def delete(self, key: str) -> None:
        """Deletes a file, if there is one."""
        self._storage.delete(key)

    def local(self, key: str) -> Path:
        """The local path of one file, with its content in the store."""
        return self._storage.local(key)

    def fetch(self, key: str) -> Path:
        """Copies the files of a folder to its local path, and returns that."""
        self._storage.fetch(key)
        return self.path(key)

    def keep(self, key: str) -> None:
        """Copies new files at the local path of a folder to the store."""
        self._storage.keep(key)

    def keep_file(self, key: str) -> None:
        """Copies one file from its local path to the store."""
        self._storage.keep_file(key)

    def run_folder(self, run_id: str) -> Path:
        """The local folder of a run, whether or not it exists yet."""
        return self.path(run_key(run_id))

    # What is stored for sweeps.

    def result(self, run_id: str, hashes: bool = True) -> dict[str, Any] | None:
        """The result of a run; None if it is not done, or its files are not its own or not intact.

        hashes: compare the files' SHA-256; otherwise only sizes (for a quick look at many runs).
        """
        return result_of(self._storage.files(run_key(run_id)), hashes, run_id)

    def results(
        self, run_ids: Sequence[str], hashes: bool = True
    ) -> dict[str, dict[str, Any] | None]:
        """Like `result`, for many runs, by id; read in parallel where that is faster."""
        if self._storage.concurrency == 1:
            return {run: self.result(run, hashes) for run in run_ids}
        with ThreadPoolExecutor(self._storage.concurrency) as pool:
            found = pool.map(lambda run: self.result(run, hashes), run_ids)
            return dict(zip(run_ids, found, strict=True))

    def glance(self) -> Glance:
        """A quick look at its current runs; for many runs, faster than `results`."""
        return Glance(self._storage, self._reader)

    def is_trained(self, run_id: str) -> bool:
        """Whether the training of a run has ended, in success or failure; it may not be scored."""
        files = self._storage.files(run_key(run_id))
        return record_of(files, RECORD_FILE, hashes=False, run=run_id).record is not None

    def settings(self, spec: SweepSpec) -> list[Setting]:
        """The settings of this search so far, in order of their numbers.

        Only those with a value for every active parameter.
        """
        return [setting for setting, _ in self.recorded(spec)]

    def recorded_runs(self, spec: SweepSpec) -> dict[int, dict[int, str]]:
        """Recorded run ids by setting number and seed, for the seeds in the spec."""
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

        They differ in space, method or what is trained.
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
        """Stores the sweep file, so that `status`, `best` and `report` find it by name.

        metric: given if the sweep was first scored by another metric; the file is stored next to
            the first one.
        """
        key = spec_key(spec.name) if metric is None else f"sweeps/{spec.name}/metrics/{metric}.yaml"
        self.write_text(key, stamped(spec.text))

    def other_metrics(self, name: str) -> list[SweepSpec]:
        """The sweep's files for metrics other than its own."""
        found = []
        for file in self.names(f"sweeps/{name}/metrics"):
            with contextlib.suppress(UserError):  # damaged: it can be run again
                found.append(self._stored_spec(f"sweeps/{name}/metrics/{file}"))
        return found

    def find_spec(
        self, sweep: str | Path, overrides: Sequence[str] = (), *, quick: bool = False
    ) -> SweepSpec:
        """The sweep in a file or, given its name, as it was last run here. Raises UserError.

        quick: see `load_spec` of `sweeps.sweepfile`.
        """
        if is_sweep_file(sweep):
            return load_spec(sweep, overrides, quick=quick)
        return self.load_spec(str(sweep), overrides, quick=quick)

    def load_spec(
        self, name: str, overrides: Sequence[str] = (), *, quick: bool = False
    ) -> SweepSpec:
        """The sweep `name` as it was last run. Raises UserError when there is none."""
        try:
            check_name(name)
        except FieldError as error:
            raise UserError(f"sweep {error}") from None
        key = spec_key(name)
        if not self.exists(key):
            known = suggestion(name, self.names("sweeps"))
            raise UserError(f"no sweep named {name!r} in the store {self.location}{known}")
        return self._stored_spec(key, overrides, quick)

    def _stored_spec(
        self, key: str, overrides: Sequence[str] = (), quick: bool = False
    ) -> SweepSpec:
        path = self.local(key)
        if was_changed(path.read_text(encoding="utf-8", errors="replace")):
            raise UserError(
                f"{path} was changed since its sweep was run (its checksum differs); run the "
                "sweep's own file again"
            )
        return load_spec(path, overrides, trusted=False, quick=quick)

    def report_folder(self, spec: SweepSpec) -> Path:
        """The local folder of the sweep's report. Raises UserError if it has anything but files."""
        check_files(folder := self.path(report_key(spec)))
        return folder

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Locks the sweep `name` for this process. Raises UserError saying who else holds it."""
        busy = f"sweep {name!r} is being run by {{holder}}; wait for it, or stop it"
        return self._storage.lock(f"sweeps/{name}/lock", busy)

    def holder(self, name: str) -> str | None:
        """Who is running the sweep `name`; None if nobody is."""
        return self._storage.holder(f"sweeps/{name}/lock")

    @contextlib.contextmanager
    def lease_runs(self, run_ids: Iterable[str]) -> Iterator[dict[str, str]]:
        """Leases runs to this process, in order of ids, unless another process has them.

        Yields the holders of the others, by id. A process that trains or scores a run holds its
        lease.
        """
        with self._storage.leases([f"leases/{run}" for run in sorted(set(run_ids))]) as holders:
            yield {key.removeprefix("leases/"): holder for key, holder in holders.items()}

    def _records(self, folder: str) -> list["_Record"]:
        """The recorded settings of a search; damaged ones are proposed again."""
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
    """A setting as stored; `runs`: run ids by seed, which JSON turns into text."""

    number: int
    parameters: Mapping[str, Any]
    runs: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.number < 0 or not all(map(_RUN_ID.fullmatch, self.runs.values())):
            raise FieldError("not a setting with its runs")  # run ids become folder names


def run_key(run_id: str) -> str:
    """The key of a run's files."""
    return f"runs/{run_id}"


def spec_key(name: str) -> str:
    """The key of the file of the sweep `name`."""
    return f"sweeps/{name}/spec.yaml"


def report_key(spec: SweepSpec) -> str:
    """The key of the sweep's report."""
    return f"sweeps/{spec.name}/report"


def mlflow_key(sweep: str) -> str:
    """The key of what ties a sweep to MLflow: its own token there, its experiment, its server."""
    return f"sweeps/{sweep}/mlflow.json"


def error_key(sweep: str, setting: int, block: int) -> str:
    """The key of a trial's traceback in the store."""
    return f"sweeps/{sweep}/errors/{setting:05d}-{block}.txt"


def _settings(spec: SweepSpec) -> str:
    return f"sweeps/{spec.name}/{spec.search_id}/settings"
