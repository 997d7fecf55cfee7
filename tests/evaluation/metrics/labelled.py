"""A data set of nothing but labels, and codes given image by image: any code, any labels."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


class Labelled:
    """Images whose pixels say which image it is, with the classes (n, F) given; -1 is unknown."""

    name = source = fingerprint = labels_fingerprint = "labelled"
    shape, levels = (1, 1, 1), 1
    numbers: tuple[str, ...] = ()

    def __init__(self, classes: ArrayLike):
        self.table = np.asarray(classes, np.int64)
        self.factors = {f"f{i}": int(c.max(initial=1)) + 1 for i, c in enumerate(self.table.T)}

    def __len__(self) -> int:
        return len(self.table)

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        return self.table[np.asarray(indices)]

    def images(self, indices: ArrayLike) -> NDArray[np.int64]:
        return np.asarray(indices)[:, None, None, None]


def code(values: ArrayLike):
    """An encoder that gives image i the i-th row of `values`."""
    table = torch.from_numpy(np.asarray(values, np.float64))

    def represent(x: Tensor) -> Tensor:
        return table[x[:, 0, 0, 0].round().long()]

    return represent


def some_labels(images: int, sizes: Sequence[int], seed: int) -> NDArray[np.int64]:
    """Classes (images, F), each factor uniform over its classes."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=images) for size in sizes], axis=1)


def standardised(classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The true code: each factor a latent of mean 0 and variance 1; unknown cells are at 0."""
    values = np.where(classes < 0, np.nan, classes.astype(float))
    values = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    return np.nan_to_num(values)
