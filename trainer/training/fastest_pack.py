"""How many models a pack should have to train fastest on a device: a few steps in each size."""

from collections.abc import Callable, Sequence

import torch

from trainer.config.run import Precision, RunConfig
from trainer.data.dataset import Dataset
from trainer.device.precision import offered
from trainer.training.fastest_precision import STEPS_MEASURED, step_seconds

WORTH = 100  # times the steps measured: of shorter trainings, the measuring would be a good part
GAIN = 0.97  # a smaller pack must take at most this share of the time per model


def fastest_size(
    configs: Sequence[RunConfig], data: Dataset, device: torch.device, precision: Precision | None
) -> int:
    """The size, at most that of `configs`, of the packs in which these models train fastest.

    The whole pack, halves, quarters and so on to single models are each trained for a few steps.
    precision: what `auto` stands for. Short trainings are not measured: they stay together.
    """
    if configs[0].steps < WORTH * STEPS_MEASURED:
        return len(configs)
    chosen = configs[0].precision if precision is None else precision
    known = offered(device)[0] if chosen == "auto" else chosen
    return best_size(
        len(configs), lambda size: step_seconds(configs[:size], data, device, known) / size
    )


def best_size(most: int, seconds_per_model: Callable[[int], float]) -> int:
    """The best of `most`, its halves and so on down to 1, preferring the larger if close."""
    best, least, size = most, seconds_per_model(most), most
    while size > 1:
        size = (size + 1) // 2
        seconds = seconds_per_model(size)
        if seconds < GAIN * least:
            best, least = size, seconds
    return best
