"""Local copies of folders of a store that is elsewhere, to train and score runs in."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from evaluation.result_file import RESULT
from sweeps.storage.objects import Objects
from trainer.files import replacing
from trainer.run_files import RECORD_FILE

INDEX = ".mirror.json"
RECORDS = (RECORD_FILE, RESULT)  # a reader believes a run that has them: they go last


@dataclass(frozen=True)
class _Known:
    """A local file that is the same as the store's: the store's ETag, our size and mtime."""

    etag: str
    size: int
    modified: int


class Mirror:
    """Carries folders between `storage` and their local paths; what is the same is not carried.

    Each folder has an index of what it knows to be the same on both sides.
    """

    def __init__(self, storage: Objects) -> None:
        self._storage = storage

    def fetch(self, key: str) -> None:
        """Brings what the store has. What it does not have stays, for it may yet be kept."""
        folder = self._storage.path(key)
        known, found = _read_index(folder), self._storage.listing(key)
        for name, entry in found.items():
            path = self._storage.path(f"{key}/{name}")
            if name in known and known[name] == _known(path, entry.etag):
                continue
            copied = self._storage.copy(f"{key}/{name}")
            if copied is not None and (same := _known(path, copied.etag)) is not None:
                known[name] = same
        for name in known.keys() - found.keys():
            path = self._storage.path(f"{key}/{name}")
            if known[name] == _known(path, known[name].etag):
                path.unlink()  # deleted by another worker, and not changed here since
            del known[name]
        _write_index(folder, known)

    def keep(self, key: str) -> None:
        """Takes what is new here, records last, then deletes what was deleted here."""
        folder = self._storage.path(key)
        known = _read_index(folder)
        before = dict(known)
        here = _names(folder)
        for name in here:
            path = folder / name
            if name in known and known[name] == _known(path, known[name].etag):
                continue
            with open(path, "rb") as file:
                etag = self._storage.put(f"{key}/{name}", file)
            if (same := _known(path, etag)) is not None:
                known[name] = same
        for name in known.keys() - set(here):
            self._storage.delete(f"{key}/{name}")
            del known[name]
        if known != before:
            _write_index(folder, known)


def _names(folder: Path) -> list[str]:
    """Files of a folder, the records last; hidden and half-written ones left out."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_file()]
    last = [name for name in RECORDS if name in names]
    return [n for n in names if n not in RECORDS and not n.startswith(".")] + last


def _known(path: Path, etag: str) -> _Known | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return _Known(etag, facts.st_size, facts.st_mtime_ns)


def _read_index(folder: Path) -> dict[str, _Known]:
    """Empty where there is none, or a damaged one: everything is carried again then."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        values = json.loads((folder / INDEX).read_bytes())
        return {name: _Known(*facts) for name, facts in values.items()}
    return {}


def _write_index(folder: Path, known: dict[str, _Known]) -> None:
    values = {name: [k.etag, k.size, k.modified] for name, k in known.items()}
    with replacing(folder / INDEX) as partial:
        partial.write_text(json.dumps(values))
