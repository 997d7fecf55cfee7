"""result.json of a run: written last and whole, read back only with all its files intact."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.config import RESULT_FORMAT
from trainer.files import stamp, write_json

RESULT = "result.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """What a run folder holds under one name: the record, or None and why it does not count."""

    record: dict[str, Any] | None
    reason: str = ""


def read_result(folder: Path, hashes: bool = True) -> dict[str, Any] | None:
    """result.json of a run, if it is whole and so are the files that it lists; else None.

    A torn or damaged result counts as none, and the reason is logged.
    hashes: compare the SHA-256 of every listed file; without, only sizes (for a quick look).
    """
    reading = read_record(Path(folder), RESULT, hashes)
    if reading.record is None and (Path(folder) / RESULT).exists():
        _log.warning("%s; the result is not used", reading.reason)
    return reading.record


def read_record(folder: Path, name: str, hashes: bool = True) -> Reading:
    """A record with "format" and "files" (name: {"sha256", "bytes"}), checked as in read_result."""
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Reading(None, f"{folder} has no {name}")
    except UnicodeDecodeError:
        return Reading(None, f"{folder / name} is damaged (not text)")
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        return Reading(None, f"{folder / name} is damaged ({error})")
    if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
        return Reading(None, f"{folder / name} is damaged (no list of files)")
    if record.get("format") != RESULT_FORMAT:
        found = f"{folder / name} has format {record.get('format')!r}"
        return Reading(None, f"{found}; this version reads {RESULT_FORMAT}")
    for file, facts in record["files"].items():
        problem = _problem(folder / file, facts, hashes)
        if problem:
            return Reading(None, f"{folder / file} {problem}")
    return Reading(record)


def write_result(folder: Path, result: Mapping[str, Any]) -> None:
    """Writes result.json: a reader sees the old one or the whole new one, never a part.

    Raises ValueError for NaN and infinities, which JSON does not know; UserError for a full disk.
    """
    write_json(Path(folder) / RESULT, result)


def _problem(path: Path, facts: object, hashes: bool) -> str:
    if not isinstance(facts, dict) or not {"sha256", "bytes"} <= facts.keys():
        return "is listed without checksum"
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "is missing"
    if size != facts["bytes"]:
        return f"is torn ({size} bytes of {facts['bytes']})"
    if hashes and stamp(path)["sha256"] != facts["sha256"]:
        return "is damaged (its SHA-256 differs)"
    return ""
