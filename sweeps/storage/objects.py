"""What mirrors and leases need from an object store: files with ETags, conditional writes."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Object:
    """A file; when it was written, and how long ago, in seconds by the server's clock."""

    content: bytes
    etag: str
    modified: float
    age: float


@dataclass(frozen=True)
class StoredObject:
    """A file in a listing."""

    size: int
    etag: str


class Objects(Protocol):
    """Files by key in an object store, each with an ETag that changes with its content."""

    @property
    def location(self) -> str:
        """The user's name for the place."""

    def path(self, key: str) -> Path:
        """The local path of a file."""

    def get(self, key: str) -> Object | None:
        """A file with its facts; None if it does not exist."""

    def copy(self, key: str) -> Object | None:
        """As `get`; leaves a copy at the local path, with the store's date."""

    def put(self, key: str, content: io.BufferedReader | io.BytesIO, **condition: str) -> str:
        """Writes a file and returns its ETag.

        condition: `IfMatch` or `IfNoneMatch`; raises FileExistsError when it does not hold.
        """

    def listing(self, key: str) -> dict[str, StoredObject]:
        """The files directly in a folder, by name."""

    def delete(self, key: str) -> None:
        """Deletes a file, if there is one."""
