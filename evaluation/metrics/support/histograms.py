"""Mutual information by histograms: codes in equal-width bins, many models at once."""

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.support.points import Points

SHUFFLES, SURE = 30, 3.0  # standard deviations above chance; less does not count as known
_PER_BIN, MAX_BINS = 10, 20
_ROUNDING = 1e-12  # nats; below it information is 0: a constant latent would otherwise have 2e-16


def discretise(values: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Bin numbers 0 .. bins - 1 of values (K, n, M), each column in equal bins over its range.

    A constant column is in one bin. Like disentanglement_lib's histogram discretiser.
    """
    columns = np.ascontiguousarray(values.transpose(0, 2, 1))
    low, high = columns.min(axis=-1), columns.max(axis=-1)
    low, high = np.where(low == high, low - 0.5, low), np.where(low == high, high + 0.5, high)
    edges = np.linspace(low, high, bins + 1, axis=-1)[..., :-1]
    found = torch.searchsorted(
        torch.from_numpy(edges.copy()), torch.from_numpy(columns), right=True
    )
    return (found.numpy() - 1).transpose(0, 2, 1)


def joint_counts(
    first: NDArray[np.int64], second: NDArray[np.int64], sizes: tuple[int, int]
) -> NDArray[np.float64]:
    """Counts (columns, sizes[0], sizes[1]) of the pairs in each column.

    first: (columns, n) integers below sizes[0]; second: the same below sizes[1], or (n,) for all.
    """
    columns = len(first)
    cell = (np.arange(columns)[:, None] * sizes[0] + first) * sizes[1] + second
    counts = np.bincount(cell.ravel(), minlength=columns * sizes[0] * sizes[1])
    return counts.reshape(columns, *sizes).astype(np.float64)


def mutual_information(joint: NDArray[np.float64]) -> NDArray[np.float64]:
    """I(a; b) in nats, (...), of counts or masses (..., A, B)."""
    p = joint / joint.sum(axis=(-2, -1), keepdims=True)
    independent = p.sum(axis=-1, keepdims=True) * p.sum(axis=-2, keepdims=True)
    ratio = np.divide(p, independent, out=np.ones_like(p), where=p > 0)
    information = (p * np.log(ratio)).sum(axis=(-2, -1))
    return np.where(information < _ROUNDING, 0.0, information)


def entropy(classes: NDArray[np.int64]) -> float:
    """Empirical entropy H(v) in nats of the classes (n,)."""
    p = np.bincount(classes) / len(classes)
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def factor_information(points: Points, bins: int) -> NDArray[np.float64]:
    """I(mu_j; v_k) in nats, (K, M, F), with means cut into `bins`, over v_k's labelled points."""
    models, _, latents = points.means.shape
    information = np.empty((models, latents, len(points.factors)))
    for k in range(len(points.factors)):
        means, classes = points.of(k)
        codes = discretise(means, bins).transpose(0, 2, 1).reshape(models * latents, -1)
        counts = joint_counts(codes, classes, (bins, int(classes.max()) + 1))
        information[..., k] = mutual_information(counts).reshape(models, latents)
    return information


def share_above_chance(points: Points, seed: int = 0) -> NDArray[np.float64]:
    """How much each latent knows of each factor, (K, M, F), from 0 (chance) to 1 (all of it).

    (I(z_j; v_k) - c) / (H(v_k) - c), where c is the mean of I over SHUFFLES permutations of the
    images' codes: with few labels, histograms find information even in noise. Anything within SURE
    standard deviations of c counts as 0. Bins are fewer with few labels, which makes c and its
    deviation small, but never fewer than the factor's classes, so that a code can reach 1.
    """
    rng = np.random.default_rng(seed)
    models, _, latents = points.means.shape
    share = np.zeros((models, latents, len(points.factors)))
    for k in range(len(points.factors)):
        means, classes = points.of(k)
        classes = np.unique(classes, return_inverse=True)[1]
        size = int(classes.max()) + 1
        bins = int(np.clip(len(classes) // _PER_BIN, min(size, MAX_BINS), MAX_BINS))
        codes = discretise(means, bins).transpose(0, 2, 1).reshape(models * latents, -1)
        found, *shuffled = (
            mutual_information(joint_counts(codes, column, (bins, size)))
            for column in (classes, *(rng.permutation(classes) for _ in range(SHUFFLES)))
        )
        chance, deviation = np.mean(shuffled, axis=0), np.std(shuffled, axis=0, ddof=1)
        above, most = found - chance, entropy(classes) - chance
        sure = (above > SURE * deviation) & (most > 0)
        share[..., k] = np.where(sure, above / np.where(sure, most, 1), 0).reshape(models, latents)
    return np.minimum(share, 1)


def factor_entropies(points: Points) -> NDArray[np.float64]:
    """H(v_k) in nats, (F,), each over the points for which the factor is known."""
    return np.array([entropy(points.of(k)[1]) for k in range(len(points.factors))])
