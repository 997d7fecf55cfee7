"""A cache of records of a store that were already read and checked, so that reading many is fast.

An SQLite file in each user's cache folder, one per store; never authoritative. An entry counts only
while the record's file is unchanged (`Files.stamp`). It may be deleted at any time; where it is
damaged, or cannot be read or written, the records themselves are read.
"""

import contextlib
import hashlib
import inspect
import json
import os
import sqlite3
import stat
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation import result_file, result_schema
from trainer import cache, files
from trainer.errors import UserError

SUFFIX = ".records"
PATIENCE = 2.0  # seconds to wait for another process's write
WORTHWHILE = 64  # uncached records: for fewer no index is created
AT_ONCE = 1000  # entries per write, so that others can write in between
UNUSED = 60 * 86400.0  # seconds after which an index is deleted: its store may be gone


@dataclass(frozen=True)
class Entry:
    """A cached record. head: its summary. record: None unless requested."""

    head: Any
    record: Any = None


class RecordIndex:
    """The index of the store at `location`. It never fails: at worst it knows nothing.

    >>> index = RecordIndex("/data/store")
    >>> index.keep("runs/1/result.json", "1290-17-4", {"state": "finished"}, {"seconds": 2.0})
    >>> index.commit()
    >>> index.find("runs/1/result.json", "1290-17-4")  # doctest: +SKIP
    Entry(head={'state': 'finished'}, record=None)
    >>> index.find("runs/1/result.json", "1291-18-4")  # its file has changed
    """

    def __init__(self, location: str):
        self._location = location
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()  # a connection does not outlive a fork
        self._given_up = False
        self._new: list[tuple[str, str, bytes, bytes, int]] = []
        self._one_thread = threading.RLock()

    def __reduce__(self) -> tuple[type["RecordIndex"], tuple[str]]:
        return RecordIndex, (self._location,)

    def find(self, key: str, stamp: str, whole: bool = False) -> Entry | None:
        """The entry of the record `key`, if its file still has this stamp."""
        text = "SELECT stamp, head, record, checksum FROM records WHERE key = ?"
        with self._one_thread:
            try:
                if (connection := self._open(make=False)) is None:
                    return None
                row = connection.execute(text, [key]).fetchone()
                if row is None or row[0] != stamp or row[3] != _checksum(key, *row[:3]):
                    return None
                return Entry(json.loads(row[1]), json.loads(row[2]) if whole else None)
            except (sqlite3.Error, ValueError, TypeError):
                self._give_up()
                return None

    def keep(self, key: str, stamp: str, head: Any, record: Any) -> None:
        """Caches a record that was read and checked; see `commit`."""
        texts = json.dumps(head).encode(), json.dumps(record).encode()
        self._new.append((key, stamp, *texts, _checksum(key, stamp, *texts)))
        if len(self._new) >= AT_ONCE:
            self.commit()

    def commit(self) -> None:
        """Writes new entries."""
        new, self._new = self._new, []
        with self._one_thread:
            try:
                if new and (connection := self._open(len(new) >= WORTHWHILE)) is not None:
                    with connection:
                        connection.executemany("REPLACE INTO records VALUES (?, ?, ?, ?, ?)", new)
            except sqlite3.Error:
                self._give_up()

    def _open(self, make: bool) -> sqlite3.Connection | None:
        """The index; None if it does not exist and is not to be, or cannot be, created."""
        if self._process != os.getpid():
            self._process, self._connection = os.getpid(), None
        if self._connection is None and not self._given_up:
            try:
                path = index_path(self._location)
                if not make and not os.path.lexists(path):
                    return None
                _make_private(path)
                try:
                    self._connection = _connect(path)
                except sqlite3.DatabaseError as error:
                    if isinstance(error, sqlite3.OperationalError):
                        raise  # another process is writing, or a disk error: it may be intact
                    path.unlink()
                    _make_private(path)
                    self._connection = _connect(path)
            except (OSError, sqlite3.Error, UserError):
                self._given_up = True
        return self._connection

    def _give_up(self) -> None:
        """Stops using it in this process; a damaged one is deleted, and recreated by the next."""
        connection, self._connection, self._given_up = self._connection, None, True
        if connection is None:
            return
        try:
            sound = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        except sqlite3.OperationalError:
            sound = True
        except sqlite3.Error:
            sound = False
        with contextlib.suppress(sqlite3.Error):
            connection.close()
        if not sound:
            with contextlib.suppress(OSError, UserError):
                index_path(self._location).unlink()


def index_path(location: str) -> Path:
    """The path of this user's index of a store."""
    name = hashlib.sha256(f"{os.getuid()} {location}".encode()).hexdigest()[:20]
    return cache.folder() / "indexes" / f"{name}{SUFFIX}"


def _make_private(path: Path) -> None:
    """Creates the file, private to this user. Raises OSError if it exists and is another's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        _delete_unused(path.parent)
    except FileExistsError:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            raise
        os.utime(path)  # it is in use


def _delete_unused(folder: Path) -> None:
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > UNUSED:
                path.unlink()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # a damaged index is recreated
        checked = _checked_by()
        if connection.execute("PRAGMA user_version").fetchone() != (checked,):
            with connection:
                connection.execute("DROP TABLE IF EXISTS records")
                connection.execute(
                    "CREATE TABLE records (key TEXT PRIMARY KEY, stamp TEXT, head BLOB, "
                    "record BLOB, checksum INTEGER)"
                )
                connection.execute(f"PRAGMA user_version = {checked}")
        return connection
    except sqlite3.Error:
        connection.close()
        raise


def _checked_by() -> int:
    """Changes with the code that checks records: entries of other versions are read again."""
    code = "".join(inspect.getsource(module) for module in (result_file, result_schema, files))
    return zlib.crc32(code.encode()) >> 1 or 1  # a signed number, and 0 is a new file's


def _checksum(key: str, stamp: str, head: bytes, record: bytes) -> int:
    # SQLite itself does not notice a flipped bit in a value
    return zlib.crc32(record, zlib.crc32(head, zlib.crc32(f"{key} {stamp}".encode())))
