"""The IDX format of MNIST: big-endian arrays of bytes, usually gzipped (LeCun et al. 1998)."""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats.gzipped import opened
from trainer.errors import UserError


def read_shape(path: Path, dimensions: int) -> tuple[int, ...]:
    """Shape of the array in an IDX file with this many dimensions. Raises UserError."""
    with _reading(path) as file:
        return _shape(file, dimensions)


def read(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The bytes of an IDX file with `dimensions` axes, gzipped if named .gz. Raises UserError."""
    with _reading(path) as file:
        shape = _shape(file, dimensions)
        data = file.read()
        if len(data) != np.prod(shape):
            raise ValueError(f"it has {len(data)} bytes, not {np.prod(shape)} for {shape}")
        return np.frombuffer(data, np.uint8).reshape(shape)


def _shape(file: IO[bytes], dimensions: int) -> tuple[int, ...]:
    magic, *shape = struct.unpack(f">{1 + dimensions}I", file.read(4 * (1 + dimensions)))
    expected = 0x0800 + dimensions  # type 8 is unsigned bytes
    if magic != expected:
        raise ValueError(f"it starts with {magic:#06x}, not {expected:#06x}")
    return tuple(shape)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    try:
        with opened(path) as file:
            yield file
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{path}: cannot be read as an IDX file ({reason}); fetch it again"
        ) from None
