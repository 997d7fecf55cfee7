"""NORB's binary matrices, named .mat but not MATLAB's (LeCun, Huang & Bottou 2004)."""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import npy
from trainer.data.formats.gzipped import opened

HELP = "expected a binary matrix of NORB, optionally gzipped; fetch it again"
# the first four bytes, little-endian, encode the type of the elements
_TYPES: dict[int, np.dtype] = {
    0x1E3D4C51: np.dtype("<f4"),
    0x1E3D4C53: np.dtype("<f8"),
    0x1E3D4C54: np.dtype("<i4"),
    0x1E3D4C55: np.dtype("u1"),
    0x1E3D4C56: np.dtype("<i2"),
}


def read_shape(path: Path) -> tuple[int, ...]:
    """Shape of the matrix in a file. Raises UserError."""
    with npy.reading(path, HELP), opened(path) as file:
        return _header(file)[0]


def read(path: Path) -> NDArray:
    """A whole matrix. Raises UserError."""
    with npy.reading(path, HELP), opened(path) as file:
        shape, dtype = _header(file)
        return npy.take(file, dtype, math.prod(shape)).reshape(shape)


def blocks(path: Path, size: int) -> Iterator[NDArray]:
    """The items of a matrix, indexed by its first axis, `size` at a time. Raises UserError."""
    with npy.reading(path, HELP), opened(path) as file:
        (count, *item), dtype = _header(file)
        for start in range(0, count, size):
            items = min(size, count - start)
            yield npy.take(file, dtype, items * math.prod(item)).reshape(items, *item)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type; leaves `file` at the elements."""
    magic, dimensions = _numbers(file, 2)
    if magic not in _TYPES or not 1 <= dimensions <= 8:
        raise ValueError(f"it starts with {magic:#010x}")
    sizes = _numbers(file, max(3, dimensions))  # at least three sizes are written
    return sizes[:dimensions], _TYPES[magic]


def _numbers(file: IO[bytes], count: int) -> tuple[int, ...]:
    content = file.read(4 * count)
    if len(content) < 4 * count:
        raise EOFError("it ends too early")
    return struct.unpack(f"<{count}I", content)
