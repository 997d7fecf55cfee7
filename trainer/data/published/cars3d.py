"""The data set `cars3d`: 183 cars from 24 azimuths and 4 elevations (Reed et al. 2015)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.data.formats.arrays import open_arrays
from trainer.data.formats.picture_folder import in_natural_order
from trainer.data.published.published import Published, find_files, fitted, grid, positive
from trainer.errors import UserError
from trainer.files import expand

_KEY = "im"  # (height, width, 3, azimuths, elevations); the file also has a mask
_HELP = (
    "expected the folder cars with car_001_mesh.mat …; get nips2015-analogy-data.tar.gz from the "
    "page of Reed et al., Deep Visual Analogy-Making"
)


class Cars3d(Published):
    """3D cars, with the factors `object_type`, `azimuth` and `elevation`.

    path: the folder `cars`, or a parent folder.
    size: side in pixels; 64 as in the literature, 128 in the files.

        load("cars3d", path="data/cars")

    Raises FieldError for invalid options, UserError for invalid files.
    """

    name = "cars3d"
    expected = _HELP
    source = "mat"

    def __init__(self, *, path: str, size: int = 64):
        positive(size=size)
        folder = expand(path)
        found = find_files(folder, "car_*.mat") if folder.is_dir() else []
        by_name = {str(file): file for file in found}
        self.paths = [by_name[name] for name in in_natural_order([*by_name])]
        if not self.paths:
            raise UserError(f"{folder}: no car files found; {_HELP}")
        self.held = _shape(self.paths[0])
        *_, azimuths, elevations = self.held
        sizes = {"object_type": len(self.paths), "azimuth": azimuths, "elevation": elevations}
        identity: list[object] = [cache.content_hash(self.paths)]
        super().__init__((3, size, size), identity, grid(sizes))

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """All images, one car at a time. Raises UserError."""
        for path in self.paths:
            if _shape(path) != self.held:
                problem = f"im is {_shape(path)}, but {self.held} in {self.paths[0].name}"
                raise UserError(f"{path}: {problem}; {_HELP}")
            pixels = open_arrays(path).read(_KEY)
            images = np.moveaxis(pixels, (3, 4), (0, 1)).reshape(-1, *self.held[:3])
            yield fitted(images, self.shape)


def _shape(path: Path) -> tuple[int, ...]:
    """Shape of the images in one car's file. Raises UserError."""
    kind = open_arrays(path).held.get(_KEY)
    if kind is None or len(kind.shape) != 5 or kind.shape[2] != 3 or kind.dtype != np.uint8:
        held = "no array im" if kind is None else f"im is {kind.dtype} {kind.shape}"
        raise UserError(
            f"{path}: {held}, not bytes (height, width, 3, azimuth, elevation); {_HELP}"
        )
    return kind.shape
