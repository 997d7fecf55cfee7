"""What a data set provides: images by index, and the classes of their factors if known."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNKNOWN = -1  # the class of a factor for which an image has no label
_ENOUGH = 2_400  # labelled images from which the classes of a few dozen numbers can be learnt


@dataclass(frozen=True)
class Notes:
    """What a user should know about how a data set was read, in sentences.

    images, labels: about the pixels and the factors. left_out: why label columns are not factors,
    by name.
    """

    images: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


class Dataset(Protocol):
    """N images of one shape, with the classes of their generative factors if they are known.

    Everything except pixels is cheap; pixels are made or read (and cached on disk) at first use.

    name: the name by which it is loaded.
    source: where the pixels come from, e.g. "rendered" or "npz"; recorded with every result.
    fingerprint: hex digest of everything that determines the pixels. Labels are not included:
        training never sees them, except for an objective that learns from them.
    labels_fingerprint: hex digest of everything that determines `classes`; "" without labels.
    shape: (channels, height, width).
    levels: the largest pixel value: 1 for binary images, 255 for bytes. images / levels is in
        [0, 1].
    factors: number of classes of each labelled factor, in the order of the columns of `classes`;
        empty if nothing is labelled.
    """

    name: str
    source: str
    fingerprint: str
    labels_fingerprint: str
    shape: tuple[int, int, int]
    levels: int
    factors: Mapping[str, int]

    def __len__(self) -> int: ...

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """Pixels (n, channels, height, width), 0..levels, of the images at `indices` (n,)."""
        ...

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Factor classes (n, factors) of the images at `indices`; UNKNOWN (-1) where unlabelled."""
        ...

    def stored(self) -> NDArray[np.uint8]:
        """All pixels as stored, one row per image, memory-mapped and read-only.

        (N, ceil(pixels / 8)) with eight pixels per byte (most significant bit first, as
        numpy.packbits) when levels == 1, else (N, pixels).
        """
        ...


def quantities_of(data: Dataset) -> Mapping[str, NDArray[np.float64]]:
    """The values (N,) of continuous factors, by factor; their classes are bins of these values.

    NaN where unlabelled. From a data set's attribute `quantities`; empty if it has none.
    """
    values: Mapping[str, NDArray[np.float64]] = getattr(data, "quantities", {})
    return values


def quantity_names_of(data: Dataset) -> tuple[str, ...]:
    """The factors whose classes are numbers of some quantity: 3 is closer to 4 than to 9.

    From a data set's attribute `quantity_names`; by default its continuous factors.
    """
    names: Iterable[str] = getattr(data, "quantity_names", quantities_of(data))
    return tuple(name for name in names if name in data.factors)


def read_as_numbers(
    names: Iterable[str], continuous: Container[str], table: NDArray[np.integer]
) -> tuple[str, ...]:
    """Which of the quantities `names` are to be predicted as numbers, not as classes.

    Continuous ones always, since their classes are only bins. Others while few images are labelled:
    with a few images per class, a code that has the number still does not tell the class.

    table: classes (N, factors).
    """
    few = int((table != UNKNOWN).any(axis=1).sum()) < _ENOUGH
    return tuple(name for name in names if few or name in continuous)


def numbers_of(data: Dataset) -> tuple[str, ...]:
    """The factors that are to be predicted as numbers, not as classes: see `read_as_numbers`.

    From a data set's attribute `numbers`; by default its continuous factors.
    """
    names: Iterable[str] = getattr(data, "numbers", quantities_of(data))
    return tuple(name for name in names if name in data.factors)


def class_names_of(data: Dataset, factor: str) -> Sequence[str]:
    """What the classes of a factor are called: ("square", "ellipse", "heart"), or their numbers.

    From a data set's attribute `class_names`, names by factor, if it has one.
    """
    named: Mapping[str, Sequence[str]] = getattr(data, "class_names", {})
    return named.get(factor) or [str(i) for i in range(data.factors[factor])]


def notes_of(data: Dataset) -> Notes:
    """The notes on a data set, its attribute `notes`; empty if it has none."""
    notes: Notes = getattr(data, "notes", Notes())
    return notes
