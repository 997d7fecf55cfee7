"""A lock on a store that has none of its own: a file that its holder renews while it lives."""

import contextlib
import io
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from sweeps.storage.objects import Objects
from sweeps.storage.process_name import is_gone, whoami
from trainer.errors import UserError
from trainer.files import parse_json

SECONDS = 60.0  # a lease not renewed for so long is over
RENEWAL = 15.0  # seconds between two renewals


@dataclass(frozen=True)
class Lease:
    """A lease as it was found.

    holder: `process 12 on host`. token: the holder's own. etag: of the file. age: seconds since it
    was renewed, by the server's clock.
    """

    holder: str
    token: str
    etag: str
    age: float

    @classmethod
    def read(cls, storage: Objects, key: str) -> "Lease | None":
        """The lease; None when there is none, or what is there is none."""
        found = storage.get(key)
        if found is None:
            return None
        try:
            values = parse_json(found.content)
            return cls(str(values["holder"]), str(values["token"]), found.etag, found.age)
        except (ValueError, KeyError, TypeError):
            return cls("another process", "", found.etag, found.age)

    def is_live(self) -> bool:
        """Whether its holder may still be at work."""
        return self.age < SECONDS and not is_gone(self.holder)


@contextlib.contextmanager
def lease(storage: Objects, key: str, busy: str) -> Iterator[None]:
    """Holds the lease `key`. Raises UserError, `busy` with the holder put in, when it is held."""
    token = secrets.token_hex(16)
    _take(storage, key, token, busy)
    over = threading.Event()
    renewer = threading.Thread(
        target=_renew, args=(storage, key, token, over), name="lease", daemon=True
    )
    renewer.start()
    try:
        yield
    finally:
        over.set()
        renewer.join(timeout=RENEWAL)
        with contextlib.suppress(UserError):  # it runs out by itself
            held = Lease.read(storage, key)
            if held is not None and held.token == token:
                storage.delete(key)


def _take(storage: Objects, key: str, token: str, busy: str) -> None:
    condition = {"IfNoneMatch": "*"}
    before = Lease.read(storage, key)
    if before is not None:
        if before.is_live():
            raise UserError(busy.format(holder=before.holder))
        condition = {"IfMatch": before.etag}
    with contextlib.suppress(FileExistsError):  # another was quicker, as is seen below
        storage.put(key, _content(token), **condition)
    now = Lease.read(storage, key)
    if now is None or now.token != token:
        raise UserError(busy.format(holder=now.holder if now else "another process"))
    try:
        storage.put(key, _content(token), IfNoneMatch="*")
    except FileExistsError:
        return  # as it must be: the file is there
    storage.delete(key)
    raise UserError(
        f"store {storage.location} cannot be locked: its server ignores If-None-Match, by which "
        "one process at a time writes a file; use a server that heeds it, or a folder"
    )


def _renew(storage: Objects, key: str, token: str, over: threading.Event) -> None:
    while not over.wait(RENEWAL):
        with contextlib.suppress(UserError, FileExistsError):
            held = Lease.read(storage, key)
            if held is None or held.token != token:
                return  # lost: another process found it run out
            storage.put(key, _content(token), IfMatch=held.etag)


def _content(token: str) -> io.BytesIO:
    return io.BytesIO(json.dumps({"holder": whoami(), "token": token}).encode())
