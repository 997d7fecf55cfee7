"""The baseline `raw_pixels`: an image is its own code."""

from collections.abc import Sequence

from evaluation.baselines.fitted import Fitted, FittedModel
from trainer.data.dataset import Dataset


def raw_pixels(data: Dataset, seeds: Sequence[int]) -> Fitted:
    """Codes (n, pixels): the pixels, in [0, 1].

    Only the classifier's seed matters, and with thousands of features three classifiers take
    minutes; so there is one replica.
    """
    return Fitted((FittedModel(lambda x: x.flatten(1), data),), replicas=1)
