"""Reads many records of a store, unchanged ones through the index."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from evaluation.result_file import Files, result_of
from sweeps.storage.record_index import RecordIndex
from trainer.files import SEAL, parse_json, seal_holds

Place = tuple[Files, str]  # a folder, and a name in it


@dataclass(frozen=True)
class RecordKind:
    """How one kind of record is read.

    read: the record of a key, fully checked; None if invalid or missing. head: its summary.
    fits: whether the files that a head lists match it, by size.
    """

    read: Callable[[str, Files, str], dict[str, Any] | None]
    head: Callable[[Mapping[str, Any]], Any]
    fits: Callable[[Files, Any], bool]


class RecordReader:
    """The records of a store. concurrency: how many files are worth reading at once."""

    def __init__(self, index: RecordIndex, concurrency: int):
        self._index, self._concurrency = index, concurrency

    def heads(self, places: Mapping[str, Place], kind: RecordKind) -> dict[str, Any]:
        """Heads of valid records, by key."""
        return self._read(places, kind, whole=False)

    def records(self, places: Mapping[str, Place], kind: RecordKind) -> dict[str, dict[str, Any]]:
        """Valid records, by key."""
        return self._read(places, kind, whole=True)

    def _read(self, places: Mapping[str, Place], kind: RecordKind, whole: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        left: dict[str, Place] = {}
        for key, (files, name) in places.items():
            stamp = files.stamp(name)
            entry = None if stamp is None else self._index.find(key, stamp, whole)
            if entry is not None and kind.fits(files, entry.head):
                found[key] = entry.record if whole else entry.head
            else:
                left[key] = files, name
        for key, stamp, record in self._read_anew(left, kind):
            head = kind.head(record)
            found[key] = record if whole else head
            if stamp is not None:
                self._index.keep(key, stamp, head, record)
        self._index.commit()
        return {key: found[key] for key in places if key in found}

    def _read_anew(
        self, places: Mapping[str, Place], kind: RecordKind
    ) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
        """Valid records with their keys, and their stamps if they may be cached."""

        def read(item: tuple[str, Place]) -> tuple[str, str | None, dict[str, Any] | None]:
            key, (files, name) = item
            before = files.stamp(name)
            record = kind.read(key, files, name)
            return key, before if files.stamp(name) == before else None, record

        for key, stamp, record in self._side_by_side(read, places.items()):
            if record is not None:
                yield key, stamp, record

    def _side_by_side(self, read: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        if self._concurrency == 1:
            yield from map(read, items)
            return
        with ThreadPoolExecutor(self._concurrency) as pool:
            yield from pool.map(read, items)


def _read_result(key: str, files: Files, name: str) -> dict[str, Any] | None:
    return result_of(files, hashes=False, run=key.split("/")[-2])


def _read_sealed(key: str, files: Files, name: str) -> dict[str, Any] | None:
    content = files.read(name)
    try:
        record = None if content is None else parse_json(content)
    except ValueError:
        return None
    if not isinstance(record, dict) or not seal_holds(record):
        return None
    return {key: value for key, value in record.items() if key != SEAL}


def _head(result: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {name: facts["bytes"] for name, facts in result["files"].items()}
    return {"state": result["state"], "evaluations": [*result["evaluations"]], "files": sizes}


def _sizes_are_right(files: Files, head: Mapping[str, Any]) -> bool:
    return all(files.size(name) == size for name, size in head["files"].items())


RESULTS = RecordKind(_read_result, _head, _sizes_are_right)
SETTINGS = RecordKind(_read_sealed, lambda record: None, lambda files, head: True)
