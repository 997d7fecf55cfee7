"""Weak labels: a data set with other labels than its own, for some images and some factors."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.config.run import digest
from trainer.config.schema import FieldError
from trainer.data.cached import checked
from trainer.data.dataset import UNKNOWN, Dataset
from trainer.data.formats.label_table import read_table

_SEED = 0  # of the choice of images that keep their labels


class Relabelled:
    """The images of a data set with other labels.

    factors: number of classes by name; table: classes (N, factors), UNKNOWN where there is no
        label.
    """

    def __init__(self, data: Dataset, factors: Mapping[str, int], table: NDArray[np.integer]):
        self.data = data
        self.name, self.source, self.fingerprint = data.name, data.source, data.fingerprint
        self.shape, self.levels = data.shape, data.levels
        self.factors = factors
        self.table = table.astype(np.int32)
        self.labels_fingerprint = (
            digest([list(self.factors.items()), _content(self.table)]) if factors else ""
        )

    def __len__(self) -> int:
        return len(self.data)

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """Those of the data set."""
        return self.data.images(indices)

    def stored(self) -> NDArray[np.uint8]:
        """Those of the data set."""
        return self.data.stored()

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Classes (n, factors) from the table; UNKNOWN (-1) where it has none."""
        return self.table[checked(indices, len(self))].astype(np.int64)


def relabel(data: Dataset, labels: str | int) -> Dataset:
    """`data` with the labels that `labels` says.

    "all": its own. "none": no factor at all. A number n: its own, for n images chosen at random,
    always the same. Anything else is the path of a CSV or NPZ table, which replaces its own
    labels (trainer.data.formats.label_table). Raises FieldError, and UserError for a table that
    does not fit.
    """
    if labels == "all":
        return data
    if labels == "none":
        return Relabelled(data, {}, np.empty((len(data), 0), np.int64))
    if isinstance(labels, int):
        return Relabelled(data, data.factors, _some(data, labels))
    path = Path(labels).expanduser()
    if not path.is_file():
        problem = (
            f"expected all, none, a number of images or a table, and no file {labels!r} exists"
        )
        raise FieldError(problem, ("labels",))
    return Relabelled(data, *read_table(path, data))


def _some(data: Dataset, count: int) -> NDArray[np.int64]:
    if not data.factors:
        raise FieldError(f"{data.name} has no labels of its own; give a table's path", ("labels",))
    if not 1 <= count <= len(data):
        raise FieldError(f"expected 1 to {len(data)} images, got {count}", ("labels",))
    kept = np.random.default_rng(_SEED).choice(len(data), count, replace=False)
    table = np.full((len(data), len(data.factors)), UNKNOWN, np.int64)
    table[kept] = data.classes(kept)
    return table


def _content(table: NDArray[np.int32]) -> str:
    return hashlib.sha256(np.ascontiguousarray(table, "<i4").data).hexdigest()
