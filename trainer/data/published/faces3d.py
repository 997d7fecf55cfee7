"""The data set `faces3d`: heads of the Basel Face Model, rendered (Paysan et al. 2009)."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.data.formats.arrays import ENDINGS, open_arrays
from trainer.data.published.published import Published, fitted, grid, one_file, positive
from trainer.errors import UserError

_FACTORS = ("identity", "azimuth", "elevation", "lighting")
_PAPERS = (50, 21, 11, 11)  # classes of the factors
_TORCH = (".pth", ".pt")
_BLOCK = 1024
_HELP = (
    "expected renders as bytes (50, 21, 11, 11, 64, 64): identity, azimuth, elevation, lighting, "
    "height and width, in basel_face_renders.pth or a .npy, .npz, .h5 or .mat file; the licence "
    "of the Basel Face Model (Paysan et al., University of Basel) forbids redistribution, so "
    "ask the authors of β-TCVAE or render them"
)


class Faces3d(Published):
    """3D faces as in Chen et al. 2018 and Stühmer et al. 2019, with four factors.

    path: the file of renders, or a folder with `basel_face_renders.*`: an array with an axis per
        factor, or (127050, 64, 64) in the same order.
    size: side in pixels after resizing; by default 64, as published.

        load("faces3d", path="basel_face_renders.pth")

    Raises FieldError for invalid options, UserError for an invalid file.
    """

    name = "faces3d"
    expected = _HELP
    source = "renders"

    def __init__(self, *, path: str, size: int | None = None):
        positive(size=size)
        patterns = tuple(f"basel_face_renders{ending}" for ending in (*_TORCH, *sorted(ENDINGS)))
        self.path = one_file(path, patterns, _HELP)
        renders = _renders(self.path)
        *axes, height, width = renders.shape
        if axes == [math.prod(_PAPERS)]:
            axes = [*_PAPERS]
        if len(axes) != len(_FACTORS) or renders.dtype != np.uint8:
            raise UserError(f"{self.path}: renders are {renders.dtype} {renders.shape}; {_HELP}")
        identity: list[object] = [cache.content_hash([self.path])]
        known = grid(dict(zip(_FACTORS, axes, strict=True)))
        super().__init__((1, size or height, size or width), identity, known)

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """All faces. Raises UserError."""
        renders = _renders(self.path)
        images = renders.reshape(-1, *renders.shape[-2:])
        for start in range(0, len(images), _BLOCK):
            yield fitted(images[start : start + _BLOCK], self.shape)


def _renders(path: Path) -> NDArray:
    """The array of renders, memory-mapped if possible. Raises UserError."""
    if path.suffix.lower() in _TORCH:
        return _tensor(path)
    arrays = open_arrays(path)
    held = [name for name, kind in arrays.held.items() if len(kind.shape) > 2]
    if len(held) != 1:
        raise UserError(f"{path}: contains {', '.join(arrays.held) or 'no array'}; {_HELP}")
    return arrays.read(held[0])


def _tensor(path: Path) -> NDArray:
    """A tensor saved by PyTorch; nothing but a tensor is ever loaded. Raises UserError."""
    import pickle

    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"{path}: cannot be read ({reason}); {_HELP}") from None
    if not isinstance(found, torch.Tensor):
        raise UserError(f"{path}: contains {type(found).__name__}, not a tensor; {_HELP}")
    array: NDArray = found.numpy()
    return array
