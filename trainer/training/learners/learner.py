"""The interface of learners, which draw a pack's batches and take its optimiser steps."""

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

    All randomness comes from the models' seeds and the step (see trainer.randomness), so that a
    checkpoint needs only parameters and optimiser states.
    """

    @property
    def optimizers(self) -> Mapping[str, PackedOptimizer]:
        """The optimisers, by the names of their states in a checkpoint."""
        ...

    def step(self, number: int) -> Terms:
        """One step of every model, counted from 0; returns the terms before it, see `Objective`."""
        ...


@dataclass(frozen=True)
class Learning:
    """A way to train.

    learner: (pack, configs, data, device) -> a learner; configs are those of the pack's models, in
        order.
    check: (config, the objective's options, data) -> None; raises UserError, before training, for
        data that cannot be learned from in this way.
    """

    learner: Callable[[Pack, Sequence[RunConfig], Dataset, torch.device], Learner]
    check: Callable[[RunConfig, Any, Dataset], None] | None = None
