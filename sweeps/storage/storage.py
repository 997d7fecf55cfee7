"""What a store needs from its place. Keys are relative paths with `/`."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Protocol

from evaluation.result_file import Files


class Storage(Protocol):
    """Files by key, written atomically.

    `root` is a local folder: the store itself, or a copy of the parts used of a remote one. Work on
    the files of a folder is done there, between `fetch` and `keep`.
    All but `exists`, `names` and `read` raise UserError when the place cannot be used.
    """

    root: Path

    @property
    def location(self) -> str:
        """The user's name for the place."""

    @property
    def concurrency(self) -> int:
        """How many files are worth reading at once."""

    @property
    def is_remote(self) -> bool:
        """Whether files have to be copied here to be worked on."""

    def prepare(self) -> None:
        """Creates the place and tries to write to it."""

    def exists(self, key: str) -> bool:
        """Whether a file or folder exists."""

    def names(self, key: str) -> list[str]:
        """Sorted names in a folder, without hidden and half-written files."""

    def read(self, key: str) -> bytes | None:
        """The content of a file; None if it does not exist."""

    def write(self, key: str, content: bytes) -> None:
        """Writes a file: readers see either the old one or the new, never a part."""

    def delete(self, key: str) -> None:
        """Deletes a file, if there is one."""

    def files(self, key: str) -> Files:
        """A folder whose files are to be checked."""

    def folders(self, key: str) -> Mapping[str, Files]:
        """The folders in a folder by name, as `files`; listed once."""

    def local(self, key: str) -> Path:
        """The local path of a file, with its content in the store."""

    def fetch(self, key: str) -> None:
        """Copies the files of a folder to its local path."""

    def keep(self, key: str) -> None:
        """Copies the files of a folder from its local path to the store."""

    def keep_file(self, key: str) -> None:
        """Copies one file from its local path to the store."""

    def lock(self, key: str, busy: str) -> AbstractContextManager[None]:
        """Holds a lock until this process ends, in any way.

        Raises UserError with the text `busy`, the holder inserted, if another process holds it.
        """

    def leases(self, keys: Sequence[str]) -> AbstractContextManager[Mapping[str, str]]:
        """Holds those locks of `keys` that are free; yields the holders of the others, by key.

        They are released when this process ends, in any way, and leave no files.
        """

    def holder(self, key: str) -> str | None:
        """The current holder of a lock; None if nobody holds it."""


def local_path(root: Path, key: str) -> Path:
    """The local path of a key. Raises ValueError for a key that leads outside the store."""
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\0" in key:
        raise ValueError(f"not a key of a store: {key!r}")
    return root.joinpath(*parts)
