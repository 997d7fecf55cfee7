"""Labelled images in two disjoint halves, one to learn from and one to test on."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.support.labels import Groups, Labels, MissingLabels, need_two_factors
from trainer.data.dataset import UNKNOWN

# With few labels a random split may leave a half without pairs of some factor, so the best of
# several is used, judged only by labels: codes do not affect it, so noise stays at chance.
_TRIES = 64
FEW_SPLITS = 5  # for a metric without its own splits, to average over them
_MANY = 2_000  # with more labelled images, any split is as good as another
_MAX_LABELS = 20_000  # that users are asked for
_AGREE = 9  # of ten simulated sets of labels that must suffice


@dataclass(frozen=True)
class Halves:
    """Images of each factor by class, in classes of at least two: to learn from, and to test on.

    No image is in both. Each has one entry per factor, with at least two classes.
    """

    learn: tuple[Groups, ...]
    test: tuple[Groups, ...]


def few_labels(labels: Labels) -> bool:
    """Whether a score depends on which of the labelled images are in which half."""
    return int((labels.classes != UNKNOWN).any(axis=1).sum()) <= _MANY


def labelled_halves(labels: Labels, splits: int, images: int, seed: int) -> list[Halves]:
    """`splits` ways to split at most `images` labelled images, drawn once, into two halves.

    Raises MissingLabels for fewer than two factors, and where a half would have fewer than two
    classes of two images for some factor.
    """
    need_two_factors(labels)
    rng = np.random.default_rng([seed, 0])
    labelled = np.flatnonzero((labels.classes != UNKNOWN).any(axis=1))
    if len(labelled) > images:
        labelled = rng.choice(labelled, images, replace=False)
    table = labels.classes[labelled]
    found = []
    for _ in range(splits):
        learning = _best_split(table, rng)
        usable = _usable_classes(table, learning)
        if usable.min() < 2:
            raise MissingLabels(_lacking(labels, table, usable))
        learn, test = labelled[learning], labelled[~learning]
        found.append(Halves(_groups(labels, learn), _groups(labels, test)))
    return found


def _groups(labels: Labels, within: NDArray[np.int64]) -> tuple[Groups, ...]:
    return tuple(labels.groups(name, at_least=2, within=within) for name in labels.factors)


def _best_split(
    table: NDArray[np.int64], rng: np.random.Generator, tries: int = _TRIES
) -> NDArray[np.bool_]:
    """Which of n images (n, F) to learn from: half of them, at random.

    Of several splits, the one whose worst factor has the most classes of two images in both halves;
    among those, the one with the most usable classes overall.
    """
    best, best_worth = None, (-1, -1)
    for _ in range(1 if len(table) > _MANY else tries):
        learning = np.zeros(len(table), bool)
        learning[rng.permutation(len(table))[: (len(table) + 1) // 2]] = True
        usable = _usable_classes(table, learning)
        worth = (int(usable.min()), int(usable.sum()))
        if worth > best_worth:
            best, best_worth = learning, worth
    assert best is not None
    return best


def _usable_classes(table: NDArray[np.int64], learning: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Numbers of classes with at least two images, (2, F), in the learning and the other half."""
    counts = np.empty((2, table.shape[1]), np.int64)
    for (half, some), f in itertools.product(
        enumerate((learning, ~learning)), range(table.shape[1])
    ):
        column = table[some, f]
        counts[half, f] = (np.bincount(column[column != UNKNOWN], minlength=1) >= 2).sum()
    return counts


def _lacking(labels: Labels, table: NDArray[np.int64], usable: NDArray[np.int64]) -> str:
    """What the worst factor lacks, and how many more labels would suffice."""
    factor = int(usable.min(axis=0).argmin())
    name = labels.factors[factor]
    return (
        f"factor '{name}' has {usable[:, factor].min()} classes with at least two labelled images "
        "in each half of the labelled images, of which one half trains and the other tests, and "
        f"two are needed; {labels.mend(name, _more_labels(table, factor))}"
    )


def _more_labels(table: NDArray[np.int64], factor: int) -> int | None:
    """How many more images like those of `table` (n, F) would give `factor` classes enough."""
    for size in growing(len(table)):
        sufficient = 0
        for number in range(10):
            rng = np.random.default_rng([size, number])
            column = imagined(table, size, rng)[:, [factor]]
            sufficient += bool(
                _usable_classes(column, _best_split(column, rng, tries=4)).min() >= 2
            )
        if sufficient >= _AGREE:
            return size - len(table)
    return None


def growing(size: int) -> Sequence[int]:
    """Numbers of labelled images to try above `size`: round ones, each about half as many more."""
    found, n = [], float(max(size, 8))
    while (n := n * 1.5) < _MAX_LABELS:
        found.append(int(float(f"{n:.1e}")))
    return [n for n in found if n > size]


def imagined(table: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Labels (size, F) of more images like the n of `table` (n, F): its rows, drawn at random.

    The share of labels that are the only ones of their class in `table` become new classes (the
    Good-Turing estimate of what is still unseen), so that classes that rarely repeat remain rare.
    """
    rows = table[rng.integers(len(table), size=size)]
    for column, original in zip(rows.T, table.T, strict=True):
        known = original[original != UNKNOWN]
        alone = (np.bincount(known, minlength=1) == 1).sum() / max(len(known), 1)
        new = (column != UNKNOWN) & (rng.random(size) < alone)
        column[new] = known.max(initial=0) + 1 + np.arange(new.sum())
    return rows
