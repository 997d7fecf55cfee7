"""A store in a folder: on this machine, or on a disk shared by all machines."""

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from typing_extensions import override

from evaluation.result_file import LocalFiles
from sweeps.storage.process_name import process_name
from sweeps.storage.safe_paths import check_files, plain_path
from sweeps.storage.storage import Storage
from trainer.errors import UserError
from trainer.files import expand, read_plain, write_atomically

BUSY = (errno.EWOULDBLOCK, errno.EACCES)  # of flock: another process holds the lock


class FolderStorage(Storage):
    """Storage in a folder; see `Storage`."""

    concurrency = 1
    is_remote = False

    def __init__(self, location: str | Path) -> None:
        self.root = expand(location).absolute()

    @property
    def location(self) -> str:
        """The folder's absolute path."""
        return str(self.root)

    @override
    def prepare(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            for key in ("runs", "sweeps"):
                self._path(key).mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root) as file:
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unusable(error) from None

    @override
    def exists(self, key: str) -> bool:
        return self._path(key).exists()

    @override
    def names(self, key: str) -> list[str]:
        try:
            names = os.listdir(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in names if not name.startswith("."))

    @override
    def read(self, key: str) -> bytes | None:
        try:
            return read_plain(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            return None

    @override
    def write(self, key: str, content: bytes) -> None:
        try:
            write_atomically(self._path(key), content)
        except UserError as error:
            raise self._unusable(error.__cause__) from None

    @override
    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from None

    @override
    def files(self, key: str) -> LocalFiles:
        return LocalFiles(self._path(key))

    @override
    def folders(self, key: str) -> "Folders":
        return Folders(self, key)

    @override
    def local(self, key: str) -> Path:
        return self._path(key)

    def fetch(self, key: str) -> None:
        """Files are used in place; raises UserError for anything but files."""
        check_files(self._path(key))

    def keep(self, key: str) -> None:
        """Nothing, as `fetch`."""

    def keep_file(self, key: str) -> None:
        """Nothing, as `fetch`."""

    @override
    @contextlib.contextmanager
    def lock(self, key: str, busy: str) -> Iterator[None]:
        """The kernel holds the lock, and releases it when the process ends."""
        with self._lock_file(self._path(key)) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in BUSY:
                    raise self._without_locks(error) from None
                raise UserError(busy.format(holder=_named(file.read(200)))) from None
            file.truncate(0)
            file.write(f"{process_name()}\n")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    @override
    @contextlib.contextmanager
    def leases(self, keys: Sequence[str]) -> Iterator[dict[str, str]]:
        """Held by the kernel, as `lock`; the files are deleted while held."""
        holders: dict[str, str] = {}
        with contextlib.ExitStack() as taken:
            for key in keys:
                if holder := self._lease(key, taken):
                    holders[key] = holder
            yield holders

    def _lease(self, key: str, taken: contextlib.ExitStack) -> str | None:
        """Takes a lease, to be released by `taken`; returns its holder if that fails."""
        path = self._path(key)
        while True:
            file = self._lock_file(path)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                with file:
                    if error.errno not in BUSY:
                        raise self._without_locks(error) from None
                    return _named(file.read(200))
            if _is_at(file, path):
                break
            file.close()  # its holder has just released and deleted it
        taken.enter_context(file)
        taken.callback(path.unlink, missing_ok=True)
        file.write(f"{process_name()}\n")
        file.flush()
        return None

    def _lock_file(self, path: Path) -> IO[str]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # of a mode that lets a group share the store, where the umask does
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise self._unusable(error) from None
        return os.fdopen(descriptor, "r+")

    @override
    def holder(self, key: str) -> str | None:
        try:
            with open(self._path(key)) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError as error:
                    return _named(file.read(200)) if error.errno in BUSY else None
        except OSError:
            pass
        return None

    def _path(self, key: str) -> Path:
        return plain_path(self.root, key)

    def _without_locks(self, error: OSError) -> UserError:
        return UserError(
            f"store {self.root} cannot be locked: {error.strerror}; mount its disk with locks "
            "(of Lustre: -o flock), or choose another with --store"
        )

    def _unusable(self, error: BaseException | None) -> UserError:
        reason = getattr(error, "strerror", None) or str(error)
        return UserError(
            f"store {self.root} cannot be written: {reason}; choose another with --store"
        )


class Folders(Mapping[str, LocalFiles]):
    """The folders in a folder. Raises UserError on access to one that is a link."""

    def __init__(self, storage: FolderStorage, key: str):
        self._storage, self._key = storage, key
        self._folder = storage.local(key)
        try:
            with os.scandir(self._folder) as found:
                entries = [(e.name, e.is_dir(follow_symlinks=False)) for e in found]
        except (FileNotFoundError, NotADirectoryError):
            entries = []
        self._names = {name: plain for name, plain in sorted(entries) if not name.startswith(".")}

    def __getitem__(self, name: str) -> LocalFiles:
        if self._names[name]:
            return LocalFiles(self._folder / name)
        return self._storage.files(f"{self._key}/{name}")

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _is_at(file: IO[str], path: Path) -> bool:
    """Whether the open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.lstat(path))
    except FileNotFoundError:
        return False


def _named(holder: str) -> str:
    return holder.strip() or "another process"
