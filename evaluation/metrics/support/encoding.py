"""Encoding for the metrics: every image needed is encoded exactly once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from trainer.data.dataset import Dataset
from trainer.training.batches import images_on

# images (n, channels, height, width), float32 in [0, 1] -> means (n, M) of a model,
# or (K, n, M) of a pack
Represent = Callable[[Tensor], Tensor]

CPU = torch.device("cpu")
REMEMBERED = 2**15  # images per cached set; of larger sets, only the last is cached


@dataclass(frozen=True)
class Remembering:
    """A `represent` or `posterior` that `encode` calls once per set of images of a data set.

    Metrics with the same seed draw the same images, and so share their encoding.

    function: from images to arrays (n, M) or (K, n, M), one or a tuple of them.
    device: where `encode` puts the images.
    """

    function: Callable[[Tensor], Any]
    device: torch.device = CPU
    codes: dict[bytes, Tensor] = field(default_factory=dict)

    def __call__(self, images: Tensor) -> Any:
        """The result of `function`."""
        return self.function(images)

    def keep(self, key: bytes, codes: Tensor) -> None:
        """Caches the codes of a set of images; of large sets, only the last one's."""
        if codes.shape[-2] > REMEMBERED:
            for other in [k for k, known in self.codes.items() if known.shape[-2] > REMEMBERED]:
                del self.codes[other]
        self.codes[key] = codes


@dataclass(frozen=True)
class Shuffled:
    """A `represent` or `posterior` that gives each image the code of another one.

    Codes are permuted within each set of encoded images; nothing is encoded again.

    seed: of the permutation, the same for all models.
    apart: each model of a pack has its own permutation instead.
    """

    function: Remembering
    seed: int
    apart: bool = False

    def __call__(self, images: Tensor) -> Any:
        """The result of `function`: `encode` does the shuffling."""
        return self.function(images)

    def shuffle(self, codes: Tensor) -> Tensor:
        """Codes (n, M) or (K, n, M) in another order of the n images."""
        models = len(codes) if self.apart and codes.ndim == 3 else 1
        orders = [
            torch.from_numpy(np.random.default_rng([self.seed, k]).permutation(codes.shape[-2]))
            for k in range(models)
        ]
        if models == 1:
            return codes[..., orders[0].to(codes.device), :]
        return torch.stack([c[o.to(c.device)] for c, o in zip(codes, orders, strict=True)])


@dataclass(frozen=True)
class Codes:
    """The means of n images under K models.

    images: (n,) indices into the data set, ascending, each once.
    tensor: (K, n, M) float32, on the device of `represent`'s result.
    single: whether `represent` returned one model's (n, M), so that results are scalars.
    """

    images: NDArray[np.int64]
    tensor: Tensor
    single: bool

    @property
    def means(self) -> NDArray[np.float32]:
        """The same (K, n, M) as a NumPy array."""
        return self.tensor.cpu().numpy()

    def rows(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Positions on axis 1 of the means of the images at `indices` (any shape, all encoded)."""
        return self._places[np.asarray(indices)]

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Position by image; a table, since millions are looked up."""
        places = np.zeros(int(self.images[-1]) + 1, np.int64)
        places[self.images] = np.arange(len(self.images))
        return places

    def collapse(self, values: ArrayLike) -> "float | NDArray[np.float64]":
        """Values (K, ...) unchanged for a pack; (...) for a single model.

        A single number is returned as a float.
        """
        array = np.asarray(values, np.float64)
        if not self.single:
            return array
        return float(array[0]) if array.ndim == 1 else array[0]


def encode(
    represent: Callable[[Tensor], Any], data: Dataset, indices: ArrayLike, batch: int = 512
) -> Codes:
    """The codes of the images at `indices` (any shape, repeats allowed), `batch` at a time.

    If `represent` returns a tuple of arrays, they are joined along the latents.
    """
    if isinstance(represent, Shuffled):
        codes = encode(represent.function, data, indices, batch)
        moved = represent.shuffle(codes.tensor)
        return Codes(codes.images, moved, codes.single)
    images = _different(np.asarray(indices, np.int64), len(data))
    # a held-out part of the data also numbers its images from 0
    key = sha256(data.fingerprint.encode() + images.tobytes()).digest()
    known = represent.codes if isinstance(represent, Remembering) else {}
    tensor = known.get(key)
    if tensor is None:
        tensor = _encoded(represent, data, images, batch)
        if isinstance(represent, Remembering):
            represent.keep(key, tensor)
    single = tensor.ndim == 2
    return Codes(images, tensor.unsqueeze(0) if single else tensor, single)


def _different(indices: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The unique values of indices below `count`, ascending, 60 times as fast as np.unique."""
    asked = np.zeros(count, bool)
    asked[indices] = True
    return np.flatnonzero(asked)


def _encoded(
    represent: Callable[[Tensor], Any], data: Dataset, images: NDArray[np.int64], batch: int
) -> Tensor:
    """Codes (n, M) or (K, n, M) of the images at `images` (n,)."""
    parts = []
    device = represent.device if isinstance(represent, Remembering) else CPU
    with torch.no_grad():
        for start in range(0, len(images), batch):
            codes = represent(_pixels(data, images[start : start + batch], device))
            joined = torch.cat(codes, dim=-1) if isinstance(codes, tuple) else codes
            parts.append(joined.float().clone())  # a copy: the encoder may reuse its buffer
    return torch.cat(parts, dim=-2)


def _pixels(data: Dataset, images: NDArray[np.int64], device: torch.device) -> Tensor:
    """Float32 images in [0, 1] on a device."""
    if device.type == "cpu":
        return torch.from_numpy(np.asarray(data.images(images))).float() / data.levels
    return images_on(device, data, images)
