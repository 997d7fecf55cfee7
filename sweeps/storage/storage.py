"""What a store needs of the place it is in. Keys are relative paths with `/`."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Protocol

from evaluation.result_file import Files


class Storage(Protocol):
    """Files by key, written whole or not at all.

    `root` is a local folder: the store itself, or a copy of what was asked for of one that is
    elsewhere. Work on the files of a folder is done there, between `fetch` and `keep`.
    All but `exists`, `names` and `read` raise UserError when the place cannot be used.
    """

    root: Path

    @property
    def location(self) -> str:
        """What a user gives to name the place."""

    @property
    def concurrency(self) -> int:
        """How many files are worth reading at once."""

    @property
    def is_remote(self) -> bool:
        """Whether files have to be brought here to be worked on."""

    def prepare(self) -> None:
        """Makes the place ready and tries to write in it."""

    def exists(self, key: str) -> bool:
        """Whether there is a file or a folder."""

    def names(self, key: str) -> list[str]:
        """Names of what is in a folder, sorted; hidden and half-written files left out."""

    def read(self, key: str) -> bytes | None:
        """The content of a file; None when there is none."""

    def write(self, key: str, content: bytes) -> None:
        """Writes a file: a reader sees the old one or the new one, never a part."""

    def delete(self, key: str) -> None:
        """Deletes a file, if there is one."""

    def files(self, key: str) -> Files:
        """A folder whose files are to be checked."""

    def folders(self, key: str) -> Mapping[str, Files]:
        """The folders in a folder by their names, as `files`; listed once."""

    def local(self, key: str) -> Path:
        """The local path of a file, where it is as it is in the store."""

    def fetch(self, key: str) -> None:
        """Brings the files of a folder to its local path."""

    def keep(self, key: str) -> None:
        """Takes the files of a folder from its local path into the store."""

    def keep_file(self, key: str) -> None:
        """Takes one file from its local path into the store."""

    def lock(self, key: str, busy: str) -> AbstractContextManager[None]:
        """Holds a lock for this process, however that ends.

        Raises UserError with the text `busy`, the holder put in, when another process holds it.
        """

    def leases(self, keys: Sequence[str]) -> AbstractContextManager[Mapping[str, str]]:
        """Holds those locks of `keys` that are free; gives the holders of the others, by key.

        They are let go however this process ends, and leave no files.
        """

    def holder(self, key: str) -> str | None:
        """Who holds a lock now; None when nobody does."""


def local_path(root: Path, key: str) -> Path:
    """The local path of a key. Raises ValueError for a key that leaves the store."""
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\0" in key:
        raise ValueError(f"not a key of a store: {key!r}")
    return root.joinpath(*parts)
