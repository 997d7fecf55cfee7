"""The precision that trains a pack fastest on a device, measured by a few steps in each."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from trainer.config.run import Precision, RunConfig
from trainer.data.dataset import Dataset
from trainer.device.cuda_graph import WARM_UP
from trainer.device.precision import offered
from trainer.training.loop import Training

STEPS = 3  # timed steps; the fastest counts
STEPS_MEASURED = WARM_UP + 1 + STEPS  # on CUDA, the first one after the warm-up is recorded
GAIN = 0.95  # a less exact precision must take at most this share of the time


def fastest(configs: Sequence[RunConfig], data: Dataset, device: torch.device) -> Precision:
    """The precision in which a pack of `configs` trains fastest, preferring exactness if close.

    Measured only if the device offers more than one.
    """
    chosen, *others = offered(device)
    if others:
        least = step_seconds(configs, data, device, chosen)
        for precision in others:
            seconds = step_seconds(configs, data, device, precision)
            if seconds < GAIN * least:
                chosen, least = precision, seconds
    return chosen


def step_seconds(
    configs: Sequence[RunConfig], data: Dataset, device: torch.device, precision: Precision
) -> float:
    """Seconds per step of the pack, after warm-up."""
    configs = [replace(one, precision=precision, steps=STEPS_MEASURED) for one in configs]
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / str(k) for k in range(len(configs))]
        training = Training(
            configs, data, folders, device=str(device), checkpoint_seconds=float("inf")
        )
        return min([_seconds(training) for _ in range(STEPS_MEASURED)][-STEPS:])


def _seconds(training: Training) -> float:
    start = time.perf_counter()
    training.advance(0)
    return time.perf_counter() - start
