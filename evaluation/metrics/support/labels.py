"""Factor labels for the metrics: which images have one, and which share a class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.config.schema import suggestion
from trainer.data.dataset import UNKNOWN, Dataset
from trainer.errors import UserError


class MissingLabels(UserError):
    """The data set has too few factor labels for the requested metric."""


@dataclass(frozen=True)
class Groups:
    """The labelled images of one factor, sorted by their class.

    factor: its name.
    images: indices (n,) into the data set, one class after another.
    starts, sizes: (classes,) where in `images` each class begins and how many images it has; only
    occurring classes are listed.
    """

    factor: str
    images: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def members(self, group: int) -> NDArray[np.int64]:
        """Indices (sizes[group],) of the images in one class."""
        return self.images[self.starts[group] : self.starts[group] + self.sizes[group]]


@dataclass(frozen=True)
class Labels:
    """The classes of the chosen factors for all N images.

    factors: names (F,), each with at least two classes among the labelled images.
    classes: (N, F) class of each image, UNKNOWN (-1) where it has no label.
    """

    factors: tuple[str, ...]
    classes: NDArray[np.int64]

    def column(self, factor: str) -> NDArray[np.int64]:
        """Classes (N,) of one factor."""
        return self.classes[:, self.factors.index(factor)]

    def mend(self, factor: str, more: int | None = 0) -> str:
        """What to do about a factor whose labels do not suffice.

        more: how many more labelled images would suffice; 0 if unknown, None if no number would.
        """
        if (self.column(factor) != UNKNOWN).all():
            advice = "every image is labelled for it; merge some of its classes, or"
        elif more is None:
            advice = "its classes rarely repeat, so more labels would not help;"
        elif more:
            advice = f"about {more:,} more labelled images would do; or"
        else:
            advice = "label more images, or"
        return f"{advice} leave it out with the option `factors`"

    def complete(self) -> NDArray[np.int64]:
        """Indices of images labelled for all factors. Raises MissingLabels if there are none."""
        indices = np.flatnonzero((self.classes != UNKNOWN).all(axis=1))
        if len(indices) == 0:
            names = ", ".join(self.factors)
            raise MissingLabels(f"no image has labels for all of the factors {names}")
        return indices

    def groups(
        self, factor: str, at_least: int = 1, within: NDArray[np.int64] | None = None
    ) -> Groups:
        """Images by class of `factor`; classes with fewer than `at_least` images are left out.

        within: indices of the images to consider, by default all. The groups may be empty.
        """
        column = self.column(factor)
        images = np.arange(len(column)) if within is None else np.asarray(within, np.int64)
        images = images[column[images] != UNKNOWN]
        _, group, sizes = np.unique(column[images], return_inverse=True, return_counts=True)
        kept = sizes[group] >= at_least
        images, group, sizes = images[kept], group[kept], sizes[sizes >= at_least]
        images = images[np.argsort(group, kind="stable")]
        return Groups(factor, images, np.cumsum(sizes) - sizes, sizes)


def read_labels(
    data: Dataset, factors: Sequence[str] | None = None, leave_out: Sequence[str] = ()
) -> Labels:
    """The labels of a data set for the factors that vary.

    factors: names to use; by default all with at least two classes among the labelled images,
        except those in `leave_out`. Raises MissingLabels when the data has no labels, when a
        requested factor does not exist or does not vary, and when none is left.
    """
    if not data.factors:
        raise MissingLabels(
            f"data set '{data.name}' has no factor labels; give it some with the option `labels`, "
            "or choose a metric that needs none"
        )
    known = tuple(data.factors)
    classes = data.classes(np.arange(len(data)))
    varying = [name for name, column in zip(known, classes.T, strict=True) if _varies(column)]
    for name in factors or ():
        if name not in known:
            raise MissingLabels(f"unknown factor '{name}'{suggestion(name, known)}")
        if name not in varying:
            raise MissingLabels(f"factor '{name}' has fewer than two classes among the labels")
    chosen = tuple(factors or (name for name in varying if name not in leave_out))
    if not chosen:
        raise MissingLabels(
            f"no factor of data set '{data.name}' has two or more classes among its labels"
        )
    return Labels(chosen, classes[:, [known.index(name) for name in chosen]])


def need_two_factors(labels: Labels) -> None:
    """Raises MissingLabels for labels of a single factor, where a metric tells factors apart."""
    if len(labels.factors) < 2:
        raise MissingLabels(
            f"the metric tells factors apart and '{labels.factors[0]}' is the only one; "
            "label another"
        )


def _varies(column: NDArray[np.int64]) -> bool:
    labelled = column[column != UNKNOWN]
    return len(labelled) > 0 and bool((labelled != labelled[0]).any())
