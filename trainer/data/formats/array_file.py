"""Images in one .npy or .npz file, as users keep them."""

import zipfile
from pathlib import Path

import numpy as np

from trainer.data.formats import npy
from trainer.errors import UserError

_HELP = (
    "expected a folder of PNG or JPEG files, or one .npy or .npz array of bytes (n, height, width)"
)


def describe(path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape, (n, height, width) with or without 1 or 3 channels last, and type, uint8 or bool.

    Raises UserError.
    """
    with npy.reading(path, _HELP):
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive, archive.open(_member(path, archive)) as stream:
                shape, _, dtype = npy.header(stream)
        else:
            with open(path, "rb") as file:
                shape, _, dtype = npy.header(file)
    if dtype not in (np.uint8, np.bool_):
        raise UserError(f"{path}: holds {dtype}, not uint8; save images as bytes from 0 to 255")
    if len(shape) not in (3, 4) or shape[3:] not in ((), (1,), (3,)) or 0 in shape:
        raise UserError(
            f"{path}: an array {shape} is not (n, height, width) or (n, height, width, 1 or 3)"
        )
    return shape, dtype


def read(path: Path) -> np.ndarray:
    """The images; a .npy file is only mapped into memory. Raises UserError."""
    with npy.reading(path, _HELP):
        if path.suffix != ".npz":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with zipfile.ZipFile(path) as archive:
            member = _member(path, archive)
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[member.removesuffix(".npy")]


def _member(path: Path, archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if name.endswith(".npy")]
    if "images.npy" in names:
        return "images.npy"
    if len(names) != 1:
        held = ", ".join(name.removesuffix(".npy") for name in names) or "no array"
        raise UserError(f"{path}: holds {held}; call the array of images 'images'")
    return names[0]
