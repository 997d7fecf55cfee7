"""Arrays in .npy and .npz files: their headers, read separately, and their content."""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from trainer.errors import UserError

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,  # h5py
)


@contextlib.contextmanager
def reading(path: Path, help: str) -> Iterator[None]:
    """Turns errors from a missing or damaged file into a one-line UserError ending in `help`."""
    try:
        yield
    except UserError:
        raise
    except _BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error).strip("'\"") or type(error).__name__
        raise UserError(f"{path}: cannot be read ({reason}); {help}") from None


def header(stream: IO[bytes], objects: bool = False) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran order, and type of a .npy array; leaves `stream` at its elements.

    Raises ValueError for Python objects unless `objects`.
    """
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    if dtype.hasobject and not objects:
        raise ValueError("it contains Python objects, which are never loaded")
    return shape, fortran, dtype


def take(stream: IO[bytes], dtype: np.dtype, count: int) -> np.ndarray:
    """The next `count` elements of a stream left by `header`."""
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise EOFError("it ends too early")
    return np.frombuffer(data, dtype)
