"""Locks on a store without native ones: files that their holder renews while it is alive."""

import contextlib
import io
import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sweeps.storage.objects import Objects
from sweeps.storage.process_name import is_gone, process_name, where
from trainer.errors import UserError
from trainer.files import parse_json

SECONDS = 60.0  # a lease not renewed for this long has expired
RENEWAL = 15.0  # seconds between renewals


@dataclass(frozen=True)
class Lease:
    """A lease as it was found.

    holder: `process 12 on host`. where: the machine and container of that process. token: unique to
    the holder. etag: of the file. age: seconds since it was renewed, by the server's clock.
    """

    holder: str
    where: str
    token: str
    etag: str
    age: float

    @classmethod
    def read(cls, storage: Objects, key: str) -> "Lease | None":
        """The lease; None if there is no valid one."""
        found = storage.get(key)
        if found is None:
            return None
        try:
            values = parse_json(found.content)
            there = str(values.get("where", ""))  # missing in leases of earlier versions
            return cls(str(values["holder"]), there, str(values["token"]), found.etag, found.age)
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls("another process", "", "", found.etag, found.age)

    def is_live(self) -> bool:
        """Whether its holder may still be running."""
        return self.age < SECONDS and not is_gone(self.holder, self.where)


@contextlib.contextmanager
def lease(storage: Objects, key: str, busy: str) -> Iterator[None]:
    """Holds the lease `key`. Raises UserError, `busy` with the holder inserted, if it is taken."""
    with leases(storage, [key]) as holders:
        if key in holders:
            raise UserError(busy.format(holder=holders[key]))
        _check_conditions(storage, key)
        yield


@contextlib.contextmanager
def leases(storage: Objects, keys: Sequence[str]) -> Iterator[dict[str, str]]:
    """Holds those leases of `keys` that are free; yields the holders of the others, by key."""
    token = secrets.token_hex(16)
    holders = {key: holder for key in keys if (holder := _take(storage, key, token))}
    taken = [key for key in keys if key not in holders]
    over = threading.Event()
    renewer = threading.Thread(
        target=_renew, args=(storage, taken, token, over), name="lease", daemon=True
    )
    renewer.start()
    try:
        yield holders
    finally:
        over.set()
        renewer.join(timeout=RENEWAL)
        with contextlib.suppress(UserError):  # they expire by themselves
            for key in taken:
                held = Lease.read(storage, key)
                if held is not None and held.token == token:
                    storage.delete(key)


def _take(storage: Objects, key: str, token: str) -> str | None:
    """Takes a lease; returns its holder if that fails."""
    condition = {"IfNoneMatch": "*"}
    before = Lease.read(storage, key)
    if before is not None:
        if before.is_live():
            return before.holder
        condition = {"IfMatch": before.etag}
    with contextlib.suppress(FileExistsError):  # another was quicker, which is detected below
        storage.put(key, _content(token), **condition)
    now = Lease.read(storage, key)
    if now is None or now.token != token:
        return now.holder if now else "another process"
    return None


def _check_conditions(storage: Objects, key: str) -> None:
    """Raises UserError for a server that would grant the lease `key`, which is held, twice."""
    try:
        storage.put(key, _content(""), IfNoneMatch="*")
    except FileExistsError:
        return  # as it should: the file exists
    storage.delete(key)
    raise UserError(
        f"store {storage.location} cannot be locked: its server ignores If-None-Match, so that "
        "two processes could write a file at once; use a server that honours it, or a folder"
    )


def _renew(storage: Objects, keys: Sequence[str], token: str, over: threading.Event) -> None:
    while keys and not over.wait(RENEWAL):
        lost = set()
        for key in keys:
            with contextlib.suppress(UserError, FileExistsError):
                held = Lease.read(storage, key)
                if held is None or held.token != token:
                    lost.add(key)  # another process found it expired
                else:
                    storage.put(key, _content(token), IfMatch=held.etag)
        keys = [key for key in keys if key not in lost]


def _content(token: str) -> io.BytesIO:
    lease = {"holder": process_name(), "where": where(), "token": token}
    return io.BytesIO(json.dumps(lease).encode())
