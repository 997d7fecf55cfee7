"""Local copies of folders of a remote store, in which runs are trained and scored."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from evaluation.result_file import RESULT
from sweeps.storage.objects import Objects
from trainer.files import replacing
from trainer.run_files import RECORD_FILE

INDEX = ".mirror.json"
RECORDS = (RECORD_FILE, RESULT)  # a run with these counts as done: they are written last


@dataclass(frozen=True)
class _Known:
    """A local file identical to the store's: the store's ETag, our size and mtime."""

    etag: str
    size: int
    modified: int


class Mirror:
    """Copies folders between `storage` and their local paths; identical files are skipped.

    Each folder has an index of files known to be identical on both sides.
    """

    def __init__(self, storage: Objects) -> None:
        self._storage = storage

    def fetch(self, key: str) -> None:
        """Copies what the store has. Other local files stay, since they may still be kept."""
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
                path.unlink()  # deleted by another worker, and unchanged here since
            del known[name]
        _write_index(folder, known)

    def keep(self, key: str) -> None:
        """Copies new files to the store, records last, then deletes those deleted here."""
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
    """Files of a folder, records last, without hidden and half-written ones."""
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
    """Empty if missing or damaged: then everything is copied again."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        values = json.loads((folder / INDEX).read_bytes())
        return {name: _Known(*facts) for name, facts in values.items()}
    return {}


def _write_index(folder: Path, known: dict[str, _Known]) -> None:
    values = {name: [k.etag, k.size, k.modified] for name, k in known.items()}
    with replacing(folder / INDEX) as partial:
        partial.write_text(json.dumps(values))
