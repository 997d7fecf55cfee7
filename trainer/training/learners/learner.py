"""What a learner is: it draws the batches of a pack and takes its optimisers' steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset
from trainer.models.pack import Pack
from trainer.objectives.objective import Terms
from trainer.training.optimizers import PackedOptimizer


class Learner(Protocol):
    """Trains the networks of a pack.

    Whatever is random comes from the models' seeds and the step (see trainer.randomness), so that a
    checkpoint has nothing to keep beside parameters and the optimisers' states.
    """

    @property
    def optimizers(self) -> Mapping[str, PackedOptimizer]:
        """By the name that a checkpoint keeps their states under."""
        ...

    def step(self, number: int) -> Terms:
        """One step of every model, the first being 0, and its terms before it, see `Objective`."""
        ...


@dataclass(frozen=True)
class Learning:
    """A way to learn.

    learner: (pack, configs, data, device) -> a learner; configs are those of the pack's models, in
        order.
    check: (config, options of the objective, data) -> None; raises UserError for data that cannot
        be learned from in this way, before anything is trained.
    """

    learner: Callable[[Pack, Sequence[RunConfig], Dataset, torch.device], Learner]
    check: Callable[[RunConfig, Any, Dataset], None] | None = None
