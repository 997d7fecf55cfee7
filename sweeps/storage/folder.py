"""A store in a folder: on this machine, or on a disk that all machines share."""

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evaluation.result_file import LocalFiles
from sweeps.storage.plain import check_files, plain_path
from sweeps.storage.process_name import whoami
from trainer.errors import UserError
from trainer.files import expand, read_plain, write_atomically


class Folder:
    """Storage in a folder; see `Storage`."""

    concurrency = 1
    is_remote = False

    def __init__(self, location: str | Path) -> None:
        self.root = expand(location).absolute()

    @property
    def location(self) -> str:
        """The folder's absolute path."""
        return str(self.root)

    def prepare(self) -> None:
        """As Storage."""
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

    def exists(self, key: str) -> bool:
        """As Storage."""
        return self._path(key).exists()

    def names(self, key: str) -> list[str]:
        """As Storage."""
        try:
            names = os.listdir(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in names if not name.startswith("."))

    def read(self, key: str) -> bytes | None:
        """As Storage."""
        try:
            return read_plain(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, key: str, content: bytes) -> None:
        """As Storage."""
        try:
            write_atomically(self._path(key), content)
        except UserError as error:
            raise self._unusable(error.__cause__) from None

    def delete(self, key: str) -> None:
        """As Storage."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from None

    def files(self, key: str) -> LocalFiles:
        """As Storage."""
        return LocalFiles(self._path(key))

    def local(self, key: str) -> Path:
        """As Storage."""
        return self._path(key)

    def fetch(self, key: str) -> None:
        """The files are where they are worked on; raises UserError for what is no file."""
        check_files(self._path(key))

    def keep(self, key: str) -> None:
        """Nothing, as `fetch`."""

    def keep_file(self, key: str) -> None:
        """Nothing, as `fetch`."""

    @contextlib.contextmanager
    def lock(self, key: str, busy: str) -> Iterator[None]:
        """As Storage. The kernel holds the lock, and lets it go with the process."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise self._unusable(error) from None
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise self._unusable(error) from None
                raise UserError(busy.format(holder=_named(file.read(200)))) from None
            file.truncate(0)
            file.write(f"{whoami()}\n")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def holder(self, key: str) -> str | None:
        """As Storage."""
        try:
            with open(self._path(key)) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return _named(file.read(200))
        except OSError:
            pass
        return None

    def _path(self, key: str) -> Path:
        return plain_path(self.root, key)

    def _unusable(self, error: BaseException | None) -> UserError:
        reason = getattr(error, "strerror", None) or str(error)
        return UserError(
            f"store {self.root} cannot be written: {reason}; choose another with --store"
        )


def _named(holder: str) -> str:
    return holder.strip() or "another process"
