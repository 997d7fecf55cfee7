"""Which images and noise each model sees at each step, and the pixels."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data.dataset import Dataset
from trainer.randomness import stream

BLOCK = 64  # steps drawn at once; changing it changes each seed's draws, and hence results


class Draws:
    """Image indices and latent noise of K models by step, from each model's own seed.

    A step's draws depend on the model's seed, the step, the batch size, the numbers of latents and
    images, and the kind of device; not on other models, nor on where training was interrupted.
    """

    def __init__(
        self, seeds: Sequence[int], images: int, batch: int, latents: int, device: torch.device
    ):
        self.seeds, self.images, self.batch, self.latents = seeds, images, batch, latents
        self.device = device
        self._block = -1
        self._indices: Tensor
        self._noise: Tensor

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Indices (K, n), uniform with replacement, and standard normal noise (K, n, M)."""
        block, row = divmod(step, BLOCK)
        if block != self._block:
            self._draw(block)
        return self._indices[row], self._noise[row]

    def _draw(self, block: int) -> None:
        indices, noise = [], []
        for seed in self.seeds:
            generator = stream(seed, "images", block, self.device)
            size = (BLOCK, self.batch)
            indices.append(
                torch.randint(self.images, size, generator=generator, device=self.device)
            )
            generator = stream(seed, "noise", block, self.device)
            noise.append(
                torch.randn((*size, self.latents), generator=generator, device=self.device)
            )
        self._indices, self._noise = torch.stack(indices, 1), torch.stack(noise, 1)
        self._block = block


class Pixels:
    """A data set's images on a device, kept as stored and unpacked on demand.

    Binary pixels take one bit each, so that large data sets fit on a GPU. On a CPU the rows stay
    memory-mapped, so that processes share them.
    """

    def __init__(self, data: Dataset, device: torch.device):
        self.shape, self.levels = data.shape, data.levels
        self.rows = _tensor(data.stored()).to(device)

    def at(self, indices: Tensor) -> Tensor:
        """Images at `indices` (K, n) as float32 in [0, 1], (K, n, C, H, W)."""
        rows = self.rows.index_select(0, indices.flatten())
        return unpacked(rows, self.shape, self.levels).reshape(*indices.shape, *self.shape)


def images_on(device: torch.device, data: Dataset, indices: NDArray[np.int64]) -> Tensor:
    """Images at `indices` (n,) as float32 in [0, 1], (n, C, H, W), unpacked on a device.

    Binary pixels are sent as bits, 1/32 of the images' size.
    """
    return unpacked(_tensor(data.stored()[indices]).to(device), data.shape, data.levels)


def unpacked(rows: Tensor, shape: tuple[int, int, int], levels: int) -> Tensor:
    """Images (n, C, H, W), float32 in [0, 1], from rows as in `Dataset.stored`."""
    if levels == 1:
        unpack = unpack_on_cpu if rows.device.type == "cpu" else unpack_on_device
        return unpack(rows, math.prod(shape)).float().reshape(-1, *shape)
    return rows.float().div_(levels).reshape(-1, *shape)


def _tensor(rows: NDArray[np.uint8]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(rows)


def unpack_on_cpu(rows: Tensor, pixels: int) -> Tensor:
    """Bits (n, pixels) of bytes (n, ceil(pixels / 8)), most significant first."""
    return torch.from_numpy(np.unpackbits(rows.numpy(), axis=1, count=pixels))


def unpack_on_device(rows: Tensor, pixels: int) -> Tensor:
    """The same as `unpack_on_cpu`, on any device."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=rows.device)
    return ((rows.unsqueeze(2) >> shifts) & 1).flatten(1)[:, :pixels]
