"""Files of named arrays, opened by extension: .npy, .npz, HDF5 and MATLAB."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import npy
from trainer.data.formats.named_arrays import HELP, Arrays, Kind, in_blocks
from trainer.data.formats.picture_folder import ENDINGS as PICTURES
from trainer.errors import UserError
from trainer.files import looked_in

ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"})
ENDINGS = frozenset({".npy", ".npz", ".h5", ".hdf5", ".he5", ".mat"})


def open_arrays(path: Path) -> Arrays:
    """The arrays in a file, by its extension. Raises UserError."""
    reader = _READERS.get(path.suffix.lower())
    if not path.exists():
        raise UserError(f"{path}: no such file or folder{looked_in(path)}")
    if reader is None or not path.is_file():
        what = "is not a file of arrays"
        if path.is_file() and path.suffix.lower() in ARCHIVES:
            what = "is an archive; unpack it and specify the folder"
        elif path.is_file() and path.suffix.lower() in PICTURES:
            what = "is a single image file; specify the folder of all images"
        raise UserError(f"{path}: {what}; {HELP}")
    return reader(path)


class NpyFile:
    """One array, named by its file."""

    matlab = False
    objects: tuple[str, ...] = ()

    def __init__(self, path: Path):
        self.path = path
        with npy.reading(path, HELP), open(path, "rb") as file:
            shape, _, dtype = npy.header(file)
        self.held: Mapping[str, Kind] = {path.stem: Kind(shape, dtype)}

    def read(self, name: str) -> NDArray:
        """The array, mapped into memory."""
        with npy.reading(self.path, HELP):
            return np.load(self.path, mmap_mode="r", allow_pickle=False)

    def blocks(self, name: str, size: int, last: bool) -> Iterator[NDArray]:
        """The items, `size` at a time."""
        return in_blocks(self.read(name), size, last)


class NpzFile:
    """The arrays of a .npz file; arrays of Python objects are skipped, never loaded."""

    matlab = False

    def __init__(self, path: Path):
        self.path = path
        held, objects = {}, []
        with npy.reading(path, HELP), zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(".npy"):
                    with archive.open(member) as stream:
                        shape, _, dtype = npy.header(stream, objects=True)
                    name = member.removesuffix(".npy")
                    if dtype.hasobject:
                        objects.append(name)
                    else:
                        held[name] = Kind(shape, dtype)
        self.objects = tuple(objects)
        self.held: Mapping[str, Kind] = held

    def read(self, name: str) -> NDArray:
        """A whole array, unpacked."""
        with npy.reading(self.path, HELP), np.load(self.path, allow_pickle=False) as arrays:
            found: NDArray = arrays[name]
            return found

    def blocks(self, name: str, size: int, last: bool) -> Iterator[NDArray]:
        """The items, `size` at a time, unpacked as needed: data sets may be larger than memory."""
        with (
            npy.reading(self.path, HELP),
            zipfile.ZipFile(self.path) as archive,
            archive.open(f"{name}.npy") as stream,
        ):
            shape, fortran, dtype = npy.header(stream)
            if fortran or last:
                yield from in_blocks(self.read(name), size, last)
                return
            per_item = int(np.prod(shape[1:], dtype=np.int64))
            for start in range(0, shape[0], size):
                count = min(size, shape[0] - start)
                yield npy.take(stream, dtype, count * per_item).reshape(count, *shape[1:])
            stream.read(1)  # past the end, where the archive's own checksum is checked


def _hdf5(path: Path) -> Arrays:
    from trainer.data.formats.hdf5 import Hdf5File

    return Hdf5File(path)


def _matlab(path: Path) -> Arrays:
    from trainer.data.formats.matlab import open_matlab

    return open_matlab(path)


_READERS: dict[str, Callable[[Path], Arrays]] = {
    ".npy": NpyFile,
    ".npz": NpzFile,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".he5": _hdf5,
    ".mat": _matlab,
}
