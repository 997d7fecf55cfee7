"""The data set `shapes3d`: a shape in a room, with six factors (Burgess & Kim 2018)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.data.formats.arrays import open_arrays
from trainer.data.published.published import Published, by_value, fitted, one_file, positive
from trainer.errors import UserError

_FACTORS = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
_BLOCK = 1024
_HELP = (
    "expected 3dshapes.h5 with images (480000, 64, 64, 3) and labels (480000, 6); get it from the "
    "page of Burgess & Kim, 3D Shapes Dataset"
)


class Shapes3d(Published):
    """3D Shapes, with its six factors.

    path: the file `3dshapes.h5`, or a folder that contains it.
    size: side in pixels after resizing; by default 64, as published (6 GB in the cache).

        load("shapes3d", path="3dshapes.h5")

    Raises FieldError for invalid options, UserError for an invalid file.
    """

    name = "shapes3d"
    expected = _HELP
    source = "hdf5"

    def __init__(self, *, path: str, size: int | None = None):
        positive(size=size)
        self.path = one_file(path, ("3dshapes*.h5",), _HELP)
        arrays = open_arrays(self.path)
        images, labels = arrays.held.get("images"), arrays.held.get("labels")
        if images is None or labels is None:
            raise UserError(f"{self.path}: contains {', '.join(arrays.held) or 'nothing'}; {_HELP}")
        count, *pixels = images.shape
        fit = len(pixels) == 3 and pixels[2] == 3 and images.dtype == np.uint8
        if not fit or labels.shape != (count, len(_FACTORS)):
            raise UserError(
                f"{self.path}: images are {images.dtype} {images.shape}, labels {labels.shape}; "
                f"{_HELP}"
            )
        columns = dict(zip(_FACTORS, arrays.read("labels").T, strict=True))
        shape = (3, size or pixels[0], size or pixels[1])
        super().__init__(shape, [cache.content_hash([self.path])], by_value(columns, count))

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """All images, a block at a time. Raises UserError."""
        for images in open_arrays(self.path).blocks("images", _BLOCK, last=False):
            yield fitted(images, self.shape)
