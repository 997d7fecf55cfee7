"""What a baseline gives: representations, what each is scored on, and figures worth showing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.metrics.support.encoding import Represent
from trainer.data.dataset import Dataset


@dataclass(frozen=True)
class FittedModel:
    """A representation and the data set that it is scored on.

    represent: gives (n, M) when the model is the same for every seed, or (K, n, M), the models of K
        seeds in their order.
    """

    represent: Represent
    data: Dataset


@dataclass(frozen=True)
class Fitted:
    """A baseline ready to be scored: its score is the mean over `models`.

    details: figures that tell whether the fit is what it should be, by name.
    replicas: score it for so many of the seeds only, where scoring is slow.
    """

    models: tuple[FittedModel, ...]
    details: Mapping[str, float] = field(default_factory=dict)
    replicas: int | None = None


# data, the seeds of the replicas (Higgins et al. 2017, A.4: ten)
Baseline = Callable[[Dataset, Sequence[int]], Fitted]
