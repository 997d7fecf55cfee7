"""Encoding for the measures: every image that is needed goes through the encoder exactly once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from trainer.data.dataset import Dataset

# images (n, channels, height, width), float32 in [0, 1] -> means (n, M) of a model,
# or (K, n, M) of a pack
Represent = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Codes:
    """The means of n images under K models.

    images: (n,) indices into the data set, ascending, each once.
    tensor: (K, n, M) float32, on the device that `represent` answered from.
    single: whether `represent` gave one model's (n, M), so that results are plain numbers.
    """

    images: NDArray[np.int64]
    tensor: Tensor
    single: bool

    @property
    def means(self) -> NDArray[np.float32]:
        """The same (K, n, M) as a NumPy array."""
        return self.tensor.cpu().numpy()

    def rows(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Where the images at `indices` (any shape, all encoded) stand on axis 1 of the means."""
        return np.searchsorted(self.images, np.asarray(indices))

    def collapse(self, values: ArrayLike) -> "float | NDArray[np.float64]":
        """Figures (K, ...) as they are for a pack; those of the one model, (...), for a single one.

        A single number comes back as a float.
        """
        array = np.asarray(values, np.float64)
        if not self.single:
            return array
        return float(array[0]) if array.ndim == 1 else array[0]


def encode(represent: Represent, data: Dataset, indices: ArrayLike, batch: int = 512) -> Codes:
    """The codes of the images at `indices` (any shape, repeats are welcome), `batch` at a time."""
    images = np.unique(np.asarray(indices, np.int64))
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), batch):
            pixels = torch.from_numpy(np.asarray(data.images(images[start : start + batch])))
            means = represent(pixels.float() / data.levels)
            parts.append(means.float().clone())  # a copy: the encoder may answer from one buffer
    single = parts[0].ndim == 2
    tensor = torch.cat(parts, dim=-2)
    return Codes(images, tensor.unsqueeze(0) if single else tensor, single)
