"""The pack size that trains fastest on a device, measured by a few steps at each size."""

from collections.abc import Callable, Sequence

import torch

from trainer.config.run import Precision, RunConfig
from trainer.data.dataset import Dataset
from trainer.device.precision import offered
from trainer.training.fastest_precision import STEPS_MEASURED, step_seconds

WORTH = 100  # times the steps measured: in shorter runs, measuring would take a large share
GAIN = 0.9  # a smaller pack must take at most this share of the time per model


def fastest_size(
    configs: Sequence[RunConfig], data: Dataset, device: torch.device, precision: Precision | None
) -> int:
    """The pack size, at most `len(configs)`, at which these models train fastest.

    The whole pack, halves, quarters and so on down to single models each train for a few steps.
    precision: what `auto` stands for. Short runs are not measured: they stay together.
    """
    if not is_measured(configs[0]):
        return len(configs)
    chosen = configs[0].precision if precision is None else precision
    known = offered(device)[0] if chosen == "auto" else chosen
    return best_size(
        len(configs), lambda size: step_seconds(configs[:size], data, device, known) / size
    )


def is_measured(config: RunConfig) -> bool:
    """Whether its training is long enough to be worth measuring packs of several sizes."""
    return config.steps >= WORTH * STEPS_MEASURED


def best_size(largest: int, seconds_per_model: Callable[[int], float]) -> int:
    """The best of `largest`, its half and so on down to 1, preferring larger ones if close.

    A smaller size must prove better twice: on a busy machine, a few steps may look slow.
    """
    sizes = [largest]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    measured = {size: seconds_per_model(size) for size in sizes}
    best = _least(measured)
    if best != largest:
        for size in (largest, best):
            measured[size] = min(measured[size], seconds_per_model(size))
        best = _least({size: measured[size] for size in (largest, best)})
    return best


def _least(measured: dict[int, float]) -> int:
    """The size with the least time, unless a larger one takes little more."""
    least = min(measured.values())
    return max(size for size, seconds in measured.items() if GAIN * seconds <= least)
