"""The floor of a score: the metric on codes of other images, with the same labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import UNKNOWN, Dataset

SHUFFLES_WITH_FEW_LABELS, SHUFFLES = 5, 2  # with few labels, floors vary
_ENOUGH = 2_000  # labelled images
# Points of these metrics are drawn with replacement, in any number: fewer suffice here.
_FEWER = {
    "higgins": {"train": 1_000, "test": 1_000},
    "factorvae": {"train": 2_000, "test": 1_000},
}
_SLOW = ({"protocol": "dlib"}, "dci")  # minutes per model: one shuffle


@dataclass(frozen=True)
class PackFloor:
    """mean, spread: (K,) mean and standard deviation over `shuffles` shuffles; 0 for one shuffle.

    A model without a score has no floor: NaN.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    shuffles: int


def floor(
    metric: str, given: Mapping[str, Any], options: Mapping[str, Any], models: int
) -> PackFloor | None:
    """The floor of a metric's score for K = `models`; None where shuffling does not affect it.

    given: the metric's arguments: "data", "represent" and, if it takes one, "posterior", both
        `Remembering`, so that nothing is encoded again. options: of the metric. A metric that
        compares seeds gets a different shuffle per seed; otherwise they would still agree.
    """
    from evaluation.metrics import COMPARES_SEEDS, WITHOUT_FLOOR
    from evaluation.metrics.support.encoding import Shuffled
    from evaluation.metrics.user_metrics import metric_of, needs_labels, without_code

    if metric in WITHOUT_FLOOR or not (metric in COMPARES_SEEDS or needs_labels(metric, options)):
        return None
    function, options = metric_of(metric, options), without_code(options)
    shuffles = _shuffles(metric, given["data"], options)
    fewer = {key: min(most, options[key] or most) for key, most in _FEWER.get(metric, {}).items()}
    scores = np.empty((shuffles, models))
    for number in range(shuffles):
        shuffled = {
            key: Shuffled(given[key], number, metric in COMPARES_SEEDS)
            for key in ("represent", "posterior")
            if key in given
        }
        result = function(**{**given, **shuffled}, **{**options, **fewer})
        scores[number] = result.score
    spread = scores.std(axis=0, ddof=1) if shuffles > 1 else np.zeros(models)
    return PackFloor(scores.mean(axis=0), spread, shuffles)


def _shuffles(metric: str, data: Dataset, options: Mapping[str, Any]) -> int:
    protocol, slow = _SLOW
    if metric == slow and protocol.items() <= options.items():
        return 1
    if not data.factors:
        return SHUFFLES
    labelled = (data.classes(np.arange(len(data))) != UNKNOWN).any(axis=1).sum()
    return SHUFFLES_WITH_FEW_LABELS if labelled <= _ENOUGH else SHUFFLES
