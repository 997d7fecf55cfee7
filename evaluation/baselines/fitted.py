"""What a baseline returns: representations, the data to score each on, and details of the fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.metrics.support.encoding import Represent
from trainer.data.dataset import Dataset


@dataclass(frozen=True)
class FittedModel:
    """A representation and the data set that it is scored on.

    represent: returns (n, M) when the model is the same for every seed, or (K, n, M) for the models
        of K seeds in order.
    """

    represent: Represent
    data: Dataset


@dataclass(frozen=True)
class Fitted:
    """A baseline ready to be scored: its score is the mean over `models`.

    details: values that show whether the fit is sound, by name.
    replicas: number of seeds to score it for, if limited because scoring is slow.
    """

    models: tuple[FittedModel, ...]
    details: Mapping[str, float] = field(default_factory=dict)
    replicas: int | None = None


# (data, seeds of the replicas), of which Higgins et al. 2017, A.4 use ten
Baseline = Callable[[Dataset, Sequence[int]], Fitted]
