"""The interface of files of named arrays: their names, shapes and types, and items in blocks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

HELP = "expected a folder of images, or one .npy, .npz, .h5, .mat or .parquet file"


@dataclass(frozen=True)
class Kind:
    """Shape and type of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Arrays(Protocol):
    """A file of arrays.

    held: the arrays of numbers or strings, by name.
    objects: names of arrays of objects and structures, which are never loaded.
    matlab: whether MATLAB wrote it, in which case the last axis usually indexes the items.
    """

    path: Path
    held: Mapping[str, Kind]
    objects: tuple[str, ...]
    matlab: bool

    def read(self, name: str) -> NDArray:
        """A whole array. Raises UserError."""
        ...

    def blocks(self, name: str, size: int, last: bool) -> Iterator[NDArray]:
        """The items of an array, indexed by its first or last axis, `size` at a time: (n, ...)."""
        ...


def in_blocks(array: NDArray, size: int, last: bool) -> Iterator[NDArray]:
    """The items of an array in memory, `size` at a time."""
    items = np.moveaxis(array, -1, 0) if last else array
    for start in range(0, len(items), size):
        yield items[start : start + size]
