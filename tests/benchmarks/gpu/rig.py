"""A pack that trains without a run's files: what the speeds and the timelines are taken of."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from tests.benchmarks.gpu.part import Part, synchronize
from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data import Dataset
from trainer.device.precision import computing
from trainer.models import Pack
from trainer.training.history import History
from trainer.training.learners.vae import VaeLearner

LATENTS, STEPS = 10, 10**6


def configuration(net: str, batch: int, precision: str, seed: int = 0) -> RunConfig:
    """One of a pack's models, as tests.benchmarks.plain has them."""
    return RunConfig(
        DatasetConfig("dsprites"),
        beta=4.0,
        latents=LATENTS,
        seed=seed,
        architecture=net,
        optimizer=OptimizerConfig("adam", 1e-3),
        batch_size=batch,
        steps=STEPS,
        precision=precision,  # type: ignore[arg-type]
    )


def new_pack(part: Part, net: str, models: int, shape: tuple[int, int, int]) -> Pack:
    """A pack made on the device, of weights that nobody learned: its speed does not tell."""
    with torch.device(part.device):
        pack = Pack(configuration(net, 1, "fp32"), models, shape)
    with torch.no_grad():
        for parameter in pack.parameters():
            parameter.uniform_(-0.03, 0.03)
    return pack


class Rig:
    """The pack with a learner: trains step by step, as `Training` does between checkpoints."""

    def __init__(self, pack: Pack, data: Dataset, config: RunConfig, recorded: bool):
        self.pack, self.device, self._step = pack, next(pack.parameters()).device, 0
        pack.precision = config.precision  # type: ignore[assignment]
        seeds = range(pack.size)
        configs = [configuration(config.architecture, config.batch_size, "fp32", s) for s in seeds]
        self.learner = VaeLearner(pack, configs, data, self.device)
        self.history = History(pack.size, STEPS)
        if not recorded:
            self.learner._update = self.learner._step

    def train(self, steps: int) -> None:
        """Trains for `steps`, and waits for the device."""
        with computing(self.pack.precision, self.device):
            for _ in range(steps):
                terms = self.learner.step(self._step)
                self._step += 1
                self.history.add(self._step, terms)
            synchronize(self.device)


@contextmanager
def rig(pack: Pack, data: Dataset, config: RunConfig, recorded: bool) -> Iterator[Rig]:
    """A rig whose memory is free afterwards."""
    made: list[Any] = [Rig(pack, data, config, recorded)]
    try:
        yield made[0]
    finally:
        made.clear()
        free(pack)


def free(pack: Pack | None = None) -> None:
    """Gives a GPU's memory back."""
    if pack is not None:
        pack.zero_grad(set_to_none=True)
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
