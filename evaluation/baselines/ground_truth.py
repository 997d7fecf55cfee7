"""The baseline `ground_truth`: the code of an image is the classes of its factors."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from evaluation.baselines.fitted import Fitted, FittedModel
from evaluation.metrics.support.labels import MissingLabels
from trainer.data.dataset import UNKNOWN, Dataset


def ground_truth(data: Dataset, seeds: Sequence[int]) -> Fitted:
    """Codes (n, factors): the class of every factor, as a number.

    Raises MissingLabels unless every factor of every image is known.
    """
    if not data.factors or (data.classes(np.arange(len(data))) == UNKNOWN).any():
        raise MissingLabels(
            f"the baseline ground_truth needs every factor of every image of '{data.name}'; "
            "leave it out, or label them all"
        )
    return Fitted((FittedModel(_classes, _FactorsAsImages(data)),))


class _FactorsAsImages:
    """A data set whose images encode their classes, two bytes per factor, high byte first."""

    levels = 255

    def __init__(self, data: Dataset):
        self.name, self.source, self.fingerprint = data.name, data.source, data.fingerprint
        self.labels_fingerprint = data.labels_fingerprint
        self.factors: Mapping[str, int] = data.factors
        self.shape = (1, len(data.factors), 2)
        self.classes = data.classes
        self._count = len(data)

    def __len__(self) -> int:
        return self._count

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        classes = self.classes(indices).astype(">u2")
        return classes.view(np.uint8).reshape(-1, *self.shape)

    def stored(self) -> NDArray[np.uint8]:
        return self.images(np.arange(len(self))).reshape(len(self), -1)


def _classes(images: Tensor) -> Tensor:
    high, low = (images[:, 0] * _FactorsAsImages.levels).round().unbind(-1)
    return 256 * high + low
