"""HDF5 files, including those that MATLAB writes as version 7.3."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import npy
from trainer.data.formats.named_arrays import HELP, Kind


class Hdf5File:
    """The data sets of an HDF5 file, by their paths in it: `group/images`.

    matlab: whether MATLAB wrote the file; it stores arrays with reversed axes, which are returned
        in MATLAB's order.
    """

    def __init__(self, path: Path, matlab: bool = False):
        self.path, self.matlab = path, matlab
        held: dict[str, Kind] = {}
        objects: list[str] = []

        def visit(name: str, found: object) -> None:
            if name.startswith("#") or not isinstance(found, h5py.Dataset) or found.shape is None:
                return  # "#refs#": MATLAB's own
            text = h5py.check_string_dtype(found.dtype) is not None
            if text or found.dtype.kind in "biuf":
                shape = found.shape[::-1] if matlab else found.shape
                held[name] = Kind(shape, np.dtype(np.str_) if text else found.dtype)
            else:
                objects.append(name)

        with npy.reading(path, HELP), h5py.File(path, "r") as file:
            file.visititems(visit)
        self.held: Mapping[str, Kind] = held
        self.objects = tuple(objects)

    def read(self, name: str) -> NDArray:
        """A whole data set."""
        with npy.reading(self.path, HELP), h5py.File(self.path, "r") as file:
            found: Any = file[name]
            if h5py.check_string_dtype(found.dtype) is not None:
                return np.asarray(found.asstr()[()]).astype(np.str_)
            return np.asarray(found[()]).T if self.matlab else np.asarray(found[()])

    def blocks(self, name: str, size: int, last: bool) -> Iterator[NDArray]:
        """The items, `size` at a time, read as needed."""
        with npy.reading(self.path, HELP), h5py.File(self.path, "r") as file:
            found: Any = file[name]
            items_first = (
                last == self.matlab
            )  # whether the first axis in the file indexes the items
            count = found.shape[0 if items_first else -1]
            for start in range(0, count, size):
                part = slice(start, start + size)
                block = np.asarray(found[part] if items_first else found[..., part])
                if self.matlab:
                    block = block.T
                yield np.moveaxis(block, -1, 0) if last else block
