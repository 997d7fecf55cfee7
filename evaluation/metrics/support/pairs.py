"""Pairs of images that share the class of one factor, and the mean difference of their codes."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluation.metrics.support.encoding import Codes
from evaluation.metrics.support.labels import Groups

_ENOUGH_PAIRS = 500  # more make no difference
_TIMES = 3  # times the pairs of the scarcest factor: noise stays at chance, true codes score alike
_CHUNK = 2**22  # numbers in memory at once while pairs are averaged


def draw_pairs(
    groups: Sequence[Groups], points: int, pairs: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draws `points` points of `pairs` pairs each (Higgins et al. 2017, Eq. 5).

    A point's y is uniform over `groups` (one entry per factor, classes of at least two images). In
    each of its pairs, i is uniform among the labelled images of factor y and j uniform among the
    *other* images of i's class. On a full factorial set this is the paper's simulator except for
    pairs of an image with itself; those are left out because with few labels their zeros would
    reveal whether a factor's classes are small or large, whatever the representation.

    Returns y (points,), i and j (points, pairs): indices into `groups` and into the data set.
    """
    y = rng.integers(len(groups), size=points)
    first, second = np.empty((2, points, pairs), np.int64)
    for number, group in enumerate(groups):
        chosen = y == number
        positions = rng.integers(len(group.images), size=(int(chosen.sum()), pairs))
        cell = np.searchsorted(group.starts, positions, side="right") - 1
        start, size = group.starts[cell], group.sizes[cell]
        others = start + (positions - start + 1 + rng.integers(size - 1)) % size
        first[chosen], second[chosen] = group.images[positions], group.images[others]
    return y, first, second


def as_few_pairs(groups: Sequence[Groups], rng: np.random.Generator) -> list[Groups]:
    """The groups reduced to similar numbers of pairs, if one has few; each pair its own class.

    With fewer pairs, their mean varies more between the halves of the labels, and a classifier
    exploits that: outliers belong to the factor with few pairs, whatever the code.
    """
    counts = [int((group.sizes * (group.sizes - 1) // 2).sum()) for group in groups]
    fewest = min(counts)
    if fewest >= _ENOUGH_PAIRS:
        return list(groups)
    return [
        _some_pairs(group, min(_TIMES * fewest, count), rng)
        for group, count in zip(groups, counts, strict=True)
    ]


def _some_pairs(group: Groups, count: int, rng: np.random.Generator) -> Groups:
    """`count` of the group's pairs, each drawn at most once, as classes of two images."""
    pairs = [
        np.stack(np.triu_indices(size, 1), axis=1) + start
        for start, size in zip(group.starts, group.sizes, strict=True)
    ]
    chosen = rng.permutation(np.concatenate(pairs))[:count]
    return Groups(
        group.factor, group.images[chosen.ravel()], 2 * np.arange(count), np.full(count, 2)
    )


def mean_differences(codes: Codes, first: NDArray[np.int64], second: NDArray[np.int64]) -> Tensor:
    """z_diff (K, points, M): the mean over pairs of |mu_i - mu_j|, from indices (points, pairs)."""
    models, _, latents = codes.tensor.shape
    table = codes.tensor.transpose(0, 1).reshape(
        -1, models * latents
    )  # one gather serves all models
    rows = [torch.from_numpy(codes.rows(side)).to(table.device) for side in (first, second)]
    points = max(1, _CHUNK // (first.shape[1] * table.shape[1]))
    chunks = [
        (table[i] - table[j]).abs_().mean(dim=1)
        for i, j in zip(*(side.split(points) for side in rows), strict=True)
    ]
    return torch.cat(chunks).view(-1, models, latents).transpose(0, 1)
