"""Clamped minibatches (Kulkarni et al. 2015, Sec. 3.1): only one factor and its latents vary.

All images of a batch have the same class in every factor except one. The latents of that factor are
active; in the codes to decode, the others are averaged over the batch.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data.dataset import UNKNOWN, Dataset
from trainer.errors import UserError
from trainer.randomness import stream

BLOCK = 64  # steps drawn at once; changing it changes each seed's draws, and hence results


def clamped(z: Tensor, active: Tensor) -> Tensor:
    """Codes z (K, n, M), with latents that are not `active` (K, M) averaged over n.

    Averaged latents get no gradient; DC-IGN substitutes another.
    """
    return torch.where(active.unsqueeze(1), z, z.detach().mean(1, keepdim=True))


class ClampedBatches:
    """Clamped batches of K models by step, from each model's own seed.

    sizes: number of latents per factor, by name, in the order of the latents.
    shares: relative frequency with which each factor varies. batch: n.
    `at` draws a factor, a labelled image, then n of the images that differ from it at most in that
    factor, uniformly with replacement. Raises UserError for data whose labels do not allow this.
    """

    def __init__(
        self,
        data: Dataset,
        sizes: Mapping[str, int],
        shares: Sequence[float],
        seeds: Sequence[int],
        latents: int,
        batch: int,
        device: torch.device,
    ):
        self.seeds, self.batch, self.device = seeds, batch, device
        groups = [_groups(data, factor) for factor in sizes]
        self._images = _tensor(np.concatenate([g.images for g in groups]), device)
        lengths = [len(g.images) for g in groups]
        offsets = np.cumsum([0, *lengths[:-1]])
        starts = [g.starts + offset for g, offset in zip(groups, offsets, strict=True)]
        self._starts = _tensor(np.concatenate(starts), device)
        self._counts = _tensor(np.concatenate([g.counts for g in groups]), device)
        self._offsets, self._lengths = _tensor(offsets, device), _tensor(lengths, device)
        self._shares = torch.tensor(shares, dtype=torch.float64, device=device)
        owner = np.repeat(np.arange(len(sizes)), list(sizes.values()))
        owner = np.pad(owner, (0, latents - len(owner)), constant_values=-1)  # of no factor
        self._owner = _tensor(owner, device)
        self._block = -1
        self._indices: Tensor
        self._active: Tensor

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Indices of a step's images (K, n), and which latents are active, bool (K, M)."""
        block, row = divmod(step, BLOCK)
        if block != self._block:
            drawn = [self._draw(stream(s, "clamped", block, self.device)) for s in self.seeds]
            indices, active = zip(*drawn, strict=True)
            self._indices, self._active = torch.stack(indices, 1), torch.stack(active, 1)
            self._block = block
        return self._indices[row], self._active[row]

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """One model's block of steps: indices (BLOCK, n), active (BLOCK, M)."""

        def uniform(*size: int) -> Tensor:
            return torch.rand(size, generator=generator, dtype=torch.float64, device=self.device)

        factor = torch.multinomial(self._shares, BLOCK, replacement=True, generator=generator)
        place = self._offsets[factor] + (uniform(BLOCK) * self._lengths[factor]).long()
        start, count = self._starts[place].unsqueeze(1), self._counts[place].unsqueeze(1)
        members = start + (uniform(BLOCK, self.batch) * count).long()
        return self._images[members], self._owner == factor.unsqueeze(1)


class _Groups:
    """Images in groups that differ in only one factor.

    images: one group after another. starts, counts: of each image's group.
    """

    def __init__(self, images: NDArray[np.int64], keys: NDArray[np.int64]):
        order = np.argsort(keys, kind="stable")
        _, first, group, size = np.unique(
            keys[order], return_index=True, return_inverse=True, return_counts=True
        )
        self.images, self.starts, self.counts = images[order], first[group], size[group]


def _groups(data: Dataset, factor: str) -> _Groups:
    """The groups of at least two fully labelled images."""
    classes = data.classes(np.arange(len(data)))
    known = np.flatnonzero((classes != UNKNOWN).all(axis=1))
    names = list(data.factors)
    others = [column for column, name in enumerate(names) if name != factor]
    radix = [data.factors[names[column]] for column in others]
    digits = tuple(classes[known, column] for column in others)
    keys = np.ravel_multi_index(digits, radix) if others else np.zeros(len(known), np.int64)
    _, group, size = np.unique(keys, return_inverse=True, return_counts=True)
    shared = size[group] > 1
    if not shared.any():
        raise UserError(
            f"no two labelled images of data set '{data.name}' differ only in '{factor}', as "
            "clamped minibatches need; label more images"
        )
    return _Groups(known[shared], keys[shared])


def _tensor(values: NDArray[np.integer] | Sequence[int], device: torch.device) -> Tensor:
    return torch.as_tensor(np.asarray(values, np.int64), device=device)
