"""result.json of a run: written last and atomically, read back only with all its files intact.

A result contains, besides format, run, config, data, state, reason, training and files:

    "evaluations": {id: {
        "measures": {metric: {"score": …, "floor": {"mean", "spread", "shuffles"}, …}},
        "factors": {name: {"known", "best_latent", "latent"}},
        "reconstruction", "kl", "kl_per_latent", "images"}}
    "training": {"steps", "seconds", "device", "precision", "ended", "machine", "torch"}
    "scoring": {id: seconds}
    "health": {"live_latents", "collapsed", "diverged", "unconverged", "worse_than_mean_image"}

floor: the metric on the same codes shuffled among the images, with the same labels: mean and
    standard deviation (0 for one shuffle) over `shuffles` shuffles. Only for metrics for which it
    is meaningful. A score of null comes with a "reason".
factors: how much the code knows about each labelled factor, 0 (chance) to 1, held out: "known" from
    the whole code, "best_latent" from its best single latent, number "latent"; on sampled codes.
    Absent without labels; a factor with too few of them is left out.
training: how it was trained; "ended": when, UTC, ISO 8601; "machine": see `trainer.device.machine`.
scoring: how long each evaluation took, per model.
health: see `evaluation.health.Health`. "live_latents" is an integer, the others true or false.

Results written by earlier versions lack floor, factors, health, scoring, "ended" and "machine";
readers must accept them.
"""

import logging
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from evaluation.result_schema import problem
from trainer.files import SEAL, parse_json, read_plain, seal_holds, sealed, stamp, write_json

RESULT = "result.json"
SETTLED = 3  # seconds; the coarsest file system timestamps have a resolution of two

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """One file of a run folder: the record, or None and why it is invalid.

    absent: the file does not exist.
    """

    record: dict[str, Any] | None
    reason: str = ""
    absent: bool = False


class Files(Protocol):
    """A run's folder, wherever it is: on disk, or in an object store."""

    def read(self, name: str) -> bytes | None:
        """The content of a file; None if it does not exist."""

    def size(self, name: str) -> int | None:
        """The length of a file in bytes; None if it does not exist."""

    def sha256(self, name: str) -> str:
        """The checksum of an existing file, in hex."""

    def names(self) -> list[str]:
        """Names of the files; hidden and half-written ones left out."""

    def stamp(self, name: str) -> str | None:
        """A string that changes whenever the file does, without reading it; None if unknown."""


@dataclass(frozen=True)
class LocalFiles:
    """A run's folder on disk."""

    folder: Path

    def read(self, name: str) -> bytes | None:
        """As Files."""
        return None if self.size(name) is None else read_plain(self.folder / name)

    def size(self, name: str) -> int | None:
        """As Files. Only regular files count: a link may lead outside the store."""
        try:
            found = os.lstat(os.path.join(self.folder, name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def sha256(self, name: str) -> str:
        """As Files."""
        return str(stamp(self.folder / name)["sha256"])

    def names(self) -> list[str]:
        """As Files."""
        try:
            return [name for name in os.listdir(self.folder) if not name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def stamp(self, name: str) -> str | None:
        """As Files: size, inode, times of the content's and of the inode's last change.

        No program can set the latter freely. None for a file so young that another change could get
        the same time on a file system that counts in seconds.
        """
        try:
            found = os.lstat(os.path.join(self.folder, name))  # faster than Path.lstat
        except (FileNotFoundError, NotADirectoryError):
            return None
        times = found.st_mtime_ns, found.st_ctime_ns
        if not stat.S_ISREG(found.st_mode) or time.time_ns() - max(times) < SETTLED * 10**9:
            return None
        return "-".join(map(str, (found.st_size, found.st_ino, *times)))

    def __str__(self) -> str:
        return str(self.folder)


def read_result(folder: Path, hashes: bool = True) -> dict[str, Any] | None:
    """result.json of a run, if it and the files that it lists are intact; else None.

    A torn or damaged result counts as missing, and the reason is logged.
    hashes: compare the SHA-256 of every listed file; otherwise only sizes (for a quick look).
    """
    return result_of(LocalFiles(Path(folder)), hashes)


def result_of(files: Files, hashes: bool = True, run: str | None = None) -> dict[str, Any] | None:
    """As `read_result`, for files anywhere. run: as in `record_of`."""
    reading = record_of(files, RESULT, hashes, run)
    if reading.record is None and not reading.absent:
        _log.warning("%s; the result is not used", reading.reason)
    return reading.record


def read_record(folder: Path, name: str, hashes: bool = True) -> Reading:
    """A record with "format" and "files" (name: {"sha256", "bytes"}), checked as in read_result."""
    return record_of(LocalFiles(Path(folder)), name, hashes)


def record_of(files: Files, name: str, hashes: bool = True, run: str | None = None) -> Reading:
    """As `read_record`, for files anywhere.

    run: id of the run that the record must belong to, if known: a folder may have been copied over
        another, and then all its files are consistent.
    """
    content = files.read(name)
    if content is None:
        return Reading(None, f"{files} has no {name}", absent=True)
    place = f"{files}/{name}"
    try:
        record = parse_json(content)
    except ValueError as error:
        return Reading(None, f"{place} is damaged ({error})")
    if wrong := problem(record):
        return Reading(None, f"{place} {wrong}")
    if not seal_holds(record):
        return Reading(None, f"{place} was changed (its own checksum differs)")
    if run is not None and record["run"] != run:
        return Reading(None, f"{place} is that of another run, {record['run']}")
    if name == RESULT and "evaluations" not in record:
        return Reading(None, f"{place} is damaged (no evaluations)")
    for file, facts in record["files"].items():
        if changed := _changed(files, file, facts, hashes):
            return Reading(None, f"{files}/{file} {changed}")
    return Reading({key: value for key, value in record.items() if key != SEAL})


def write_result(folder: Path, result: Mapping[str, Any]) -> None:
    """Writes result.json with a checksum: readers see either the old or the new one, never a part.

    Raises ValueError for NaN and infinities, which JSON lacks; UserError for a full disk.
    """
    write_json(Path(folder) / RESULT, sealed(result))


def _changed(files: Files, name: str, facts: Mapping[str, Any], hashes: bool) -> str:
    size = files.size(name)
    if size is None:
        return "is missing"
    if size != facts["bytes"]:
        return f"is torn ({size} bytes of {facts['bytes']})"
    if hashes and files.sha256(name) != facts["sha256"]:
        return "is damaged (its SHA-256 differs)"
    return ""
