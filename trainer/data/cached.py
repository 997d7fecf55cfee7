"""What all built-in data sets share: images that are rows of one cached array."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer import cache
from trainer.data.dataset import Notes


class CachedImages:
    """The pixel half of a Dataset. A subclass sets the attributes and defines its `rows`.

    Attributes and methods are those of `trainer.data.dataset.Dataset`; `count` is the number of
    images.
    """

    name: str
    source: str
    fingerprint: str
    labels_fingerprint: str
    shape: tuple[int, int, int]
    levels: int
    factors: Mapping[str, int]
    count: int
    notes: Notes = Notes()
    _stored: NDArray[np.uint8] | None = None

    def rows(self) -> Iterable[NDArray[np.uint8]]:
        """All pixels in the order and format of `stored`, in blocks of rows."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self.count

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """Pixels (n, channels, height, width), 0..levels. Raises IndexError, or TypeError."""
        rows = self.stored()[checked(indices, self.count)]
        if self.levels == 1:
            rows = np.unpackbits(rows, axis=1, count=int(np.prod(self.shape)))
        return rows.reshape(len(rows), *self.shape)

    def stored(self) -> NDArray[np.uint8]:
        """All pixels, memory-mapped, one row per image; see Dataset.stored."""
        if self._stored is None:
            pixels = int(np.prod(self.shape))
            width = -(-pixels // 8) if self.levels == 1 else pixels
            name = f"{self.name}-{self.fingerprint}"
            self._stored = cache.array(name, (self.count, width), self.rows)
        return self._stored

    def __getstate__(self) -> dict[str, Any]:
        # a memory map would be pickled with its whole content; the other process opens its own
        return self.__dict__ | {"_stored": None}


def checked(indices: ArrayLike, count: int) -> NDArray[np.int64]:
    """`indices` as an array (n,) of integers in 0..count - 1."""
    array = np.asarray(indices)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(
            f"expected a list of integers, got {array.dtype} of {array.ndim} dimensions"
        )
    array = array.astype(np.int64)
    if array.size and (array.min() < 0 or array.max() >= count):
        raise IndexError(f"index out of range: {array.min()}..{array.max()} of {count} images")
    return array
