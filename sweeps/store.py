"""The store: where finished runs and the settings of sweeps live. It is the truth.

    runs/<run id>/                              one model: its files, result.json written last
    baselines/<id>.json                         scores of one baseline on one data set
    sweeps/<name>/spec.yaml                     the sweep as it was last run
    sweeps/<name>/<search id>/settings/00000.json   {"number", "parameters", "runs": {seed: run id}}
    sweeps/<name>/report/                       the last report
    sweeps/<name>/lock                          held by the `sweep run` at work
    mlflow.db, mlruns/                          MLflow's; can be made again from the rest

Runs belong to no sweep: their ids hold all that decides their result. Settings belong to a search
(`SweepSpec.search_id`), so a sweep whose space was changed starts its own, beside the old one.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from evaluation.results import read_record, read_result
from sweeps.plan import Run, Setting
from sweeps.spec import SweepSpec, check_name, load_spec
from trainer.errors import UserError
from trainer.strict import FieldError, build, suggestion


class Store:
    """A store in a folder. Keys are relative paths with `/`.

    >>> store = Store("store")
    >>> store.write_json("sweeps/mine/note.json", {"n": 1})
    >>> store.read_json("sweeps/mine/note.json")
    {'n': 1}
    """

    def __init__(self, location: str | Path) -> None:
        """A store at `location`; nothing is made before something is written."""
        text = str(location)
        if "://" in text:
            raise UserError(f"store {text!r}: expected a folder")
        self.root = Path(text).expanduser().absolute()

    def prepare(self) -> None:
        """Makes the folder and tries to write in it. Raises UserError when that cannot be."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for key in ("runs", "sweeps"):
                self.path(key).mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root) as file:
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unusable(error) from None

    # The few verbs that a store of another kind needs.

    def path(self, key: str) -> Path:
        """The file or folder of a key. Raises ValueError for a key that leaves the store."""
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or ".." in parts or "\0" in key:
            raise ValueError(f"not a key of a store: {key!r}")
        return self.root.joinpath(*parts)

    def exists(self, key: str) -> bool:
        """Whether there is something under `key`."""
        return self.path(key).exists()

    def names(self, key: str) -> list[str]:
        """Names of what is in the folder `key`, sorted; hidden and half-written files left out."""
        try:
            names = os.listdir(self.path(key))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in names if not name.startswith("."))

    def read_json(self, key: str) -> Any:
        """The value of a JSON file; None when there is none, or a damaged one."""
        try:
            return json.loads(self.path(key).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

    def write_json(self, key: str, value: Any) -> None:
        """Writes a JSON file so that a reader sees the old or the new one, never a part."""
        self.write_text(key, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def write_text(self, key: str, text: str) -> None:
        """Writes a text file, atomically."""
        path = self.path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}")
            with open(part, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as error:
            raise self._unusable(error) from None

    def run_folder(self, run_id: str) -> Path:
        """The local folder of a run, whether or not there is one yet."""
        return self.path(f"runs/{run_id}")

    # What a sweep keeps.

    def result(self, run_id: str, hashes: bool = True) -> dict[str, Any] | None:
        """The result of a run; None when it is not done, or its files are not what it lists.

        hashes: compare the files' SHA-256; without, their sizes (for a glance at many runs).
        """
        return read_result(self.run_folder(run_id), hashes)

    def is_trained(self, run_id: str) -> bool:
        """Whether the training of a run is over, well or not; it may not be scored yet."""
        reading = read_record(self.run_folder(run_id), "training.json", hashes=False)
        return reading.record is not None

    def settings(self, spec: SweepSpec) -> list[Setting]:
        """The settings of this search so far, in order of their numbers."""
        return [Setting(record.number, record.parameters) for record in self._records(spec)]

    def recorded_runs(self, spec: SweepSpec) -> dict[int, dict[int, str]]:
        """Run ids by setting number and seed, as recorded, of the seeds that the spec has."""
        return {
            record.number: {s: record.runs[str(s)] for s in spec.seed_list if str(s) in record.runs}
            for record in self._records(spec)
        }

    def record_setting(self, spec: SweepSpec, setting: Setting, runs: Sequence[Run]) -> None:
        """Records a setting and its runs; again when `runs` grew or changed."""
        ids = {str(run.config.seed): run.id for run in runs}
        record = _Record(setting.number, dict(setting.parameters), ids)
        self.write_json(f"{_settings(spec)}/{setting.number:05d}.json", asdict(record))

    def save_spec(self, spec: SweepSpec) -> None:
        """Keeps the sweep file, so that `status`, `best` and `report` find it by its name."""
        self.write_text(f"sweeps/{spec.name}/spec.yaml", spec.text)

    def load_spec(self, name: str, overrides: Sequence[str] = ()) -> SweepSpec:
        """The sweep `name` as it was last run. Raises UserError when there is none."""
        try:
            check_name(name)
        except FieldError as error:
            raise UserError(f"sweep {error}") from None
        if not self.exists(f"sweeps/{name}/spec.yaml"):
            known = suggestion(name, self.names("sweeps"))
            raise UserError(f"no sweep named {name!r} in the store {self.root}{known}")
        return load_spec(self.path(f"sweeps/{name}/spec.yaml"), overrides)

    def report_folder(self, spec: SweepSpec) -> Path:
        """The folder of the sweep's report."""
        return self.path(f"sweeps/{spec.name}/report")

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Holds the sweep `name` for this process. Raises UserError saying who else holds it.

        The lock goes with the process that holds it, however that ends.
        """
        path = self.path(f"sweeps/{name}/lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._unusable(error) from None
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise self._unusable(error) from None
                holder = file.read(200).strip() or "another process"
                problem = f"sweep {name!r} is being run by {holder}; wait for it, or stop it"
                raise UserError(problem) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def holder(self, name: str) -> str | None:
        """Who runs the sweep `name` now; None when nobody does."""
        try:
            with open(self.path(f"sweeps/{name}/lock")) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return file.read(200).strip() or "another process"
        except OSError:
            pass
        return None

    def _records(self, spec: SweepSpec) -> list["_Record"]:
        """What is recorded of the settings of this search; what is damaged is proposed anew."""
        records = []
        for name in self.names(_settings(spec)):
            with contextlib.suppress(FieldError):
                records.append(build(_Record, self.read_json(f"{_settings(spec)}/{name}")))
        return sorted(records, key=lambda record: record.number)

    def _unusable(self, error: OSError) -> UserError:
        reason = error.strerror or str(error)
        return UserError(
            f"store {self.root} cannot be written: {reason}; choose another with --store"
        )


@dataclass(frozen=True)
class _Record:
    """A setting as it is stored; `runs`: run ids by seed, whose digits JSON makes a text."""

    number: int
    parameters: Mapping[str, Any]
    runs: Mapping[str, str]


def _settings(spec: SweepSpec) -> str:
    return f"sweeps/{spec.name}/{spec.search_id}/settings"
