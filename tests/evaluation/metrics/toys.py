"""A data set whose images spell out their factor classes: any code can be made from pixels."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

SMALL = {"shape": 3, "scale": 6, "orientation": 10, "posX": 8, "posY": 8}
SHAPES_2D = {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}
_NOISE = 16  # random values an image


class Toy:
    """Every combination of the factors once, in order; an image is a row of bytes.

    The first F bytes are the classes, the rest are random but fixed: two for each noise value.
    `labels` replaces the classes that metrics see (-1 unknown); pixels stay.
    """

    name, source, fingerprint, levels = "toy", "toy", "toy", 255

    def __init__(self, sizes: Mapping[str, int], labels: NDArray[np.int64] | None = None):
        self.sizes = tuple(sizes.values())
        self.count = math.prod(self.sizes)
        self.shape = (1, 1, len(self.sizes) + 2 * _NOISE)
        self.factors = dict(sizes)
        self.labels = labels
        self.labels_fingerprint = "toy"
        self.noise = np.random.default_rng(0).integers(256, size=(4096, 2 * _NOISE), dtype=np.uint8)

    def __len__(self) -> int:
        return self.count

    def true_classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        return np.stack(np.unravel_index(np.asarray(indices), self.sizes), axis=-1)

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        if self.labels is not None:
            return self.labels[np.asarray(indices)]
        return self.true_classes(indices)

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        indices = np.asarray(indices)
        mixed = (indices * 2654435761 % 2**32) // 2**20  # neighbours get unlike noise
        noise = self.noise[mixed] ^ self.noise[indices * 7 % 4096]
        pixels = np.concatenate([self.true_classes(indices).astype(np.uint8), noise], axis=-1)
        return pixels[:, None, None]

    def stored(self) -> NDArray[np.uint8]:
        return self.images(np.arange(self.count)).reshape(self.count, -1)


Encoder = Callable[[Tensor], Tensor]


def classes_of(x: Tensor, factors: int = 5) -> Tensor:
    """Classes (n, F), float64, as the images (n, 1, 1, pixels) spell them."""
    return (x[:, 0, 0, :factors].double() * 255).round()


def noise_of(x: Tensor) -> Tensor:
    """Standard normal noise (n, 16), float64, fixed for each image."""
    raw = (x[:, 0, 0, -2 * _NOISE :].double() * 255).round().unflatten(-1, (_NOISE, 2))
    uniform = (raw[..., 0] * 256 + raw[..., 1] + 0.5) / 65536
    return torch.special.ndtri(uniform)


def standard(sizes: Mapping[str, int]) -> Encoder:
    """The factors themselves, each with mean 0 and variance 1: a perfect code."""
    count = torch.tensor(list(sizes.values()), dtype=torch.float64)

    def represent(x: Tensor) -> Tensor:
        centred = classes_of(x, len(count)) - (count - 1) / 2
        return centred / ((count**2 - 1) / 12).sqrt()

    return represent


def rotated(encoder: Encoder, first: int, second: int, degrees: float = 45) -> Encoder:
    """The same code with two of its latents turned into one another."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def represent(x: Tensor) -> Tensor:
        z = encoder(x).clone()
        a, b = z[:, first].clone(), z[:, second].clone()
        z[:, first], z[:, second] = c * a - s * b, s * a + c * b
        return z

    return represent


def noisy(encoder: Encoder, scale: float, extra: int = 0) -> Encoder:
    """The same code with noise on each latent, and `extra` latents of nothing but noise."""

    def represent(x: Tensor) -> Tensor:
        z = encoder(x)
        noise = noise_of(x)
        return torch.cat([z + scale * noise[:, : z.shape[1]], noise[:, 16 - extra :]], dim=-1)

    return represent


def pack(*encoders: Encoder) -> Encoder:
    """One encoder of many models."""
    return lambda x: torch.stack([encoder(x) for encoder in encoders])
