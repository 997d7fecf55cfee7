"""How a factor is predicted from codes, and how good that is: its classes, or its number."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]

_SURE = 2.0  # standard errors above chance; less does not count as known
_PER_BIN, _MAX_BINS = 15, 40  # of the values of a single latent


@dataclass(frozen=True)
class Predictor:
    """Predicts the classes (n,) of a factor, and judges predictions (n,).

    trees: a seed -> untrained extremely randomised trees. by_bin: cells (n,) of `bins` bins and
    their classes -> the prediction (bins,) for each bin. accuracy: of predictions, any scale.
    known: the same from 0 (chance) to 1 (all right), 0 where it is compatible with chance.
    """

    trees: Callable[[int], Any]
    by_bin: Callable[[Classes, Classes, int], Floats]
    accuracy: Callable[[Floats, Classes], float]
    known: Callable[[Floats, Classes], float]

    def by_table(self, values: Floats, y: Classes, queries: Floats) -> Floats:
        """Predictions for `queries` of a single latent from its `values` (n,) and their classes.

        Its bins contain equally many values.
        """
        bins = int(np.clip(len(values) // _PER_BIN, 2, _MAX_BINS))
        edges = np.quantile(values, np.arange(1, bins) / bins)
        predicted = self.by_bin(np.searchsorted(edges, values, side="right"), y, bins)
        return predicted[np.searchsorted(edges, queries, side="right")]


def _class_trees(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier  # here, as importing it takes seconds

    return ExtraTreesClassifier(10, max_features=None, class_weight="balanced", random_state=seed)


def _likely_class(cells: Classes, y: Classes, bins: int) -> Floats:
    """The most likely class per bin; classes have equal weight, however frequent."""
    width = int(y.max()) + 1
    counts = np.bincount(cells * width + y, minlength=bins * width).reshape(bins, -1)
    return (counts / np.maximum(counts.sum(axis=0), 1)).argmax(axis=1).astype(np.float64)


def _balanced_accuracy(predicted: Floats, y: Classes) -> float:
    """Accuracy averaged over the classes that occur."""
    counts = np.bincount(y)
    return float(np.mean(np.bincount(y, predicted == y)[counts > 0] / counts[counts > 0]))


def _lift(predicted: Floats, y: Classes) -> float:
    """Balanced accuracy above chance, (accuracy - 1/C) / (1 - 1/C) for C classes."""
    counts = np.bincount(y)
    counts = counts[counts > 0]
    chance = 1 / len(counts)
    error = np.sqrt(chance * (1 - chance) * np.sum(1 / counts)) / len(counts)
    above = _balanced_accuracy(predicted, y) - chance
    return float(np.clip(above / (1 - chance), 0, 1)) if above > _SURE * error else 0.0


def _number_trees(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(30, max_features=None, min_samples_leaf=2, random_state=seed)


def _mean_number(cells: Classes, y: Classes, bins: int) -> Floats:
    """The mean number per bin; that of all in an empty one."""
    counts, sums = np.bincount(cells, minlength=bins), np.bincount(cells, y, minlength=bins)
    return np.where(counts > 0, sums / np.maximum(counts, 1), y.mean())


def _explained(predicted: Floats, y: Classes) -> float:
    """Share of the variance of the numbers that is predicted (R²); negative if worse than guessing.

    0 for a single number.
    """
    variance = float(np.var(y))
    return 1 - float(np.mean((predicted - y) ** 2)) / variance if variance > 0 else 0.0


def _surely_explained(predicted: Floats, y: Classes) -> float:
    """The same from 0 to 1; 0 where predictions and numbers may be uncorrelated."""
    if np.ptp(predicted) == 0 or np.ptp(y) == 0:
        return 0.0
    sure = np.corrcoef(predicted, y)[0, 1] > _SURE / np.sqrt(len(y))
    return float(np.clip(_explained(predicted, y), 0, 1)) if sure else 0.0


BY_CLASS = Predictor(_class_trees, _likely_class, _balanced_accuracy, _lift)
BY_NUMBER = Predictor(_number_trees, _mean_number, _explained, _surely_explained)
