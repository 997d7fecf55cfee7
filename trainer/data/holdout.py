"""Images held out of training: `load("mnist", path=…, holdout=10_000)`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.config.run import digest
from trainer.config.schema import FieldError
from trainer.data.cached import checked
from trainer.data.dataset import (
    Dataset,
    class_names_of,
    notes_of,
    numbers_of,
    quantities_of,
    quantity_names_of,
)

_SEED = 0  # of the choice of held-out images


class Part:
    """A subset of a data set's images, with their labels.

    places: positions of the images in the data set, ascending. held_out: the rest, if this part is
        for training. Rows are copied at first use, so a part of a large data set takes memory.
    """

    def __init__(
        self, data: Dataset, places: NDArray[np.int64], part: str, held_out: "Part | None" = None
    ):
        self.data, self.places, self.held_out = data, places, held_out
        self.name, self.source, self.notes = data.name, data.source, notes_of(data)
        self.shape, self.levels, self.factors = data.shape, data.levels, data.factors
        self.class_names = {name: class_names_of(data, name) for name in data.factors}
        self.quantities = {name: v[places] for name, v in quantities_of(data).items()}
        self.quantity_names, self.numbers = quantity_names_of(data), numbers_of(data)
        kept = [part, len(places)]
        self.fingerprint = digest([data.fingerprint, *kept])
        labels = data.labels_fingerprint
        self.labels_fingerprint = digest([labels, *kept]) if labels else ""
        self._rows: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.places)

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """Pixels (n, channels, height, width) of the images at `indices` of this part."""
        return self.data.images(self.places[checked(indices, len(self))])

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Classes (n, factors) of the images at `indices` of this part."""
        return self.data.classes(self.places[checked(indices, len(self))])

    def stored(self) -> NDArray[np.uint8]:
        """As `Dataset.stored`, but in memory."""
        if self._rows is None:
            self._rows = self.data.stored()[self.places]
            self._rows.flags.writeable = False
        return self._rows


def hold_out(data: Dataset, count: int) -> Dataset:
    """`data` without `count` images, drawn at random but always the same, available from `unseen`.

    Raises FieldError for a number that leaves nothing to train on.
    """
    if count == 0:
        return data
    if not 0 < count < len(data):
        problem = f"expected 0 or more, and fewer than the {len(data)} images, got {count}"
        raise FieldError(problem, ("holdout",))
    apart = np.zeros(len(data), bool)
    apart[np.random.default_rng(_SEED).choice(len(data), count, replace=False)] = True
    held_out = Part(data, np.flatnonzero(apart), "held out")
    return Part(data, np.flatnonzero(~apart), "trained on", held_out)


def unseen(data: Dataset) -> Dataset:
    """The held-out images; all images if none were held out."""
    held_out: Dataset | None = getattr(data, "held_out", None)
    return data if held_out is None else held_out
