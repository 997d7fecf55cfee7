"""A tiny real data set: bright rectangles, of every place and size, on black, in bits or bytes."""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Shapes:
    """Rectangles on side x side images; follows trainer.data.dataset.Dataset."""

    name = source = "rectangles"
    labels_fingerprint = ""
    factors: Mapping[str, int] = {}

    def __init__(self, side: int = 12, levels: int = 1, channels: int = 1):
        corners = [(x, y) for x in range(0, side - 4, 2) for y in range(0, side - 4, 2)]
        sizes = [(w, h) for w in (3, 4) for h in (3, 4)]
        pictures = np.zeros((len(corners) * len(sizes), channels, side, side), np.uint8)
        for picture, (x, y, w, h) in zip(
            pictures, [(*c, *s) for c in corners for s in sizes], strict=True
        ):
            picture[:, y : y + h, x : x + w] = levels
        self.pictures, self.levels = pictures, levels
        self.shape = (channels, side, side)
        self.fingerprint = hashlib.sha256(pictures.tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self.pictures)

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        return self.pictures[np.asarray(indices)]

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        return np.zeros((len(np.asarray(indices)), 0), np.int64)

    def stored(self) -> NDArray[np.uint8]:
        flat = self.pictures.reshape(len(self), -1)
        rows = np.packbits(flat, axis=1) if self.levels == 1 else flat.copy()
        rows.flags.writeable = False
        return rows


class LabelledShapes(Shapes):
    """The same, with the classes of place and size."""

    labels_fingerprint = "true"

    def __init__(self, side: int = 12):
        super().__init__(side)
        places = len(range(0, side - 4, 2))
        self.factors = {"x": places, "y": places, "width": 2, "height": 2}

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        return np.stack(np.unravel_index(indices, tuple(self.factors.values())), axis=1)
