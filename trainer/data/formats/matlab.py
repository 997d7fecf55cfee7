"""MATLAB's .mat files: version 5 with SciPy; version 7.3, which is HDF5, with h5py."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import npy
from trainer.data.formats.hdf5 import Hdf5File
from trainer.data.formats.named_arrays import HELP, Arrays, Kind, in_blocks


def open_matlab(path: Path) -> Arrays:
    """The arrays in a .mat file of either version. Raises UserError."""
    return Hdf5File(path, matlab=True) if h5py.is_hdf5(path) else MatFile(path)


class MatFile:
    """The arrays of numbers in a .mat file of version 5 or older."""

    matlab = True

    def __init__(self, path: Path):
        from scipy.io import whosmat

        self.path = path
        with _reading(path):
            listed = whosmat(path)
        types = {"double": "f8", "single": "f4", "logical": "?"}
        held = {}
        for name, shape, kind in listed:
            if kind in types or kind.startswith(("int", "uint")):
                held[name] = Kind(tuple(shape), np.dtype(types.get(kind, kind)))
        self.held: Mapping[str, Kind] = held
        self.objects = tuple(name for name, *_ in listed if name not in held)

    def read(self, name: str) -> NDArray:
        """A whole array."""
        from scipy.io import loadmat

        with _reading(self.path):
            found: NDArray = loadmat(self.path, variable_names=[name])[name]
        return found.astype(self.held[name].dtype, copy=False)

    def blocks(self, name: str, size: int, last: bool) -> Iterator[NDArray]:
        """The items, `size` at a time."""
        return in_blocks(self.read(name), size, last)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    from scipy.io.matlab import MatReadError

    with npy.reading(path, HELP):
        try:
            yield
        except (MatReadError, TypeError, IndexError) as error:
            raise ValueError(str(error)) from None
