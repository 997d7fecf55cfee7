"""Reading the original dSprites file without unpacking its 3 GB into memory."""

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.data.formats import npy
from trainer.data.rendering import sprites
from trainer.errors import UserError

_BLOCK = 2048  # images, 8 MB
_HELP = "expected the original, complete dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"


def check(path: Path) -> str:
    """Hash of the file, after checking the headers of its arrays. Raises UserError."""
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is not a file; {_HELP}")  # a device or pipe never ends
    with npy.reading(path, _HELP):
        with zipfile.ZipFile(path) as archive:
            count = math.prod(sprites.FACTORS.values())
            shapes = {"imgs": (count, 64, 64), "latents_classes": (count, 1 + len(sprites.FACTORS))}
            for name, expected in shapes.items():
                with archive.open(f"{name}.npy") as stream:
                    shape, _, dtype = npy.header(stream)
                if shape != expected or dtype.kind not in "iu":
                    raise UserError(f"{path}: {name} is {dtype} {shape}, not {expected}; {_HELP}")
        return cache.content_hash([path])


def rows(path: Path, wanted: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    """Packed bits (n, 512) of the images at the ascending indices `wanted`. Raises UserError."""
    with npy.reading(path, _HELP), zipfile.ZipFile(path) as archive:
        _check_order(path)
        with archive.open("imgs.npy") as stream:
            (count, *_), fortran, dtype = npy.header(stream)
            if fortran:
                raise ValueError("imgs is in Fortran order")
            for start in range(0, count, _BLOCK):
                size = min(_BLOCK, count - start)
                images = npy.take(stream, dtype, size * 4096).reshape(size, 4096)
                if not 0 <= images.min() <= images.max() <= 1:
                    raise UserError(f"{path}: imgs contains values other than 0 and 1; {_HELP}")
                first, last = np.searchsorted(wanted, [start, start + size])
                yield np.packbits(images[wanted[first:last] - start].astype(bool), axis=1)
            stream.read(1)  # past the end, where the archive's own checksum is checked


def _check_order(path: Path) -> None:
    """Images must be in the order of the factors, since classes are computed from indices."""
    with np.load(path, allow_pickle=False) as arrays:
        classes = arrays["latents_classes"][:, 1:]
    expected = np.indices(tuple(sprites.FACTORS.values())).reshape(len(sprites.FACTORS), -1).T
    if not np.array_equal(classes, expected):
        raise UserError(f"{path}: latents_classes is not in the order of the factors; {_HELP}")
