"""The data set `mpi3d`: objects moved by a robot arm, real or rendered (Gondal et al. 2019)."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.config.schema import FieldError
from trainer.data.formats.arrays import open_arrays
from trainer.data.published import published
from trainer.data.published.published import Published, fitted, one_file, positive
from trainer.errors import UserError

_FACTORS = (
    *("object_color", "object_shape", "object_size", "camera_height", "background_color"),
    *("horizontal_axis", "vertical_axis"),
)
# toy, realistic and real; real_complex, and the toy version of the 2019 challenge
_GRIDS = ((6, 6, 2, 3, 3, 40, 40), (4, 4, 2, 3, 3, 40, 40))
_BLOCK = 1024
_HELP = (
    "expected mpi3d_toy.npz, mpi3d_realistic.npz or mpi3d_real.npz with 1,036,800 images "
    "(n, 64, 64, 3), or real3d_complicated_shapes_ordered.npz with 460,800; get one from the page "
    "of Gondal et al., MPI3D Disentanglement datasets"
)


class Mpi3d(Published):
    """MPI3D in any of its versions, with its seven factors.

    path: the `.npz` file, or a folder that contains one.
    size: side in pixels after resizing; by default 64, as published (13 GB in the cache).
    grid: the number of classes of each factor, in order, for a subset; by default inferred from the
        number of images.

        load("mpi3d", path="mpi3d_real.npz")

    Raises FieldError for invalid options, UserError for an invalid file.
    """

    name = "mpi3d"
    expected = _HELP
    source = "npz"

    def __init__(self, *, path: str, size: int | None = None, grid: tuple[int, ...] | None = None):
        positive(size=size)
        self.path = one_file(path, ("mpi3d*.npz", "real3d*.npz"), _HELP)
        images = open_arrays(self.path).held.get("images")
        if images is None or images.shape[-1:] != (3,) or images.dtype != np.uint8:
            held = "no array images" if images is None else f"images are {images.dtype}"
            raise UserError(f"{self.path}: {held}; {_HELP}")
        if len(images.shape) != 4:
            raise UserError(f"{self.path}: images are {images.shape}; {_HELP}")
        count, height, width, _ = images.shape
        sizes = dict(zip(_FACTORS, self._grid(count, grid), strict=True))
        identity: list[object] = [cache.content_hash([self.path])]
        super().__init__((3, size or height, size or width), identity, published.grid(sizes))

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """All images, a block at a time. Raises UserError."""
        for images in open_arrays(self.path).blocks("images", _BLOCK, last=False):
            yield fitted(images, self.shape)

    def _grid(self, count: int, given: tuple[int, ...] | None) -> tuple[int, ...]:
        if given is not None:
            if len(given) != len(_FACTORS) or min(given) < 1 or math.prod(given) != count:
                problem = f"expected {len(_FACTORS)} numbers with the product {count:,}"
                raise FieldError(f"{problem}, got {[*given]}", ("grid",))
            return given
        for sizes in _GRIDS:
            if math.prod(sizes) == count:
                return sizes
        raise UserError(
            f"{self.path}: {count:,} images match no version; set `grid` for a subset; {_HELP}"
        )
