"""The cost of a sweep here, before it starts: runs, time, and memory per trial."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.analysis.formatting import count, duration
from sweeps.search import space
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.configure import configure
from sweeps.sweepfile.starter import trial_step_seconds
from trainer.data.dataset import Dataset
from trainer.device.cores import cores


@dataclass(frozen=True)
class Cost:
    """runs: upper bound. seconds: to train here, without scoring; memory: bytes per trial.

    Both are None where the models would train on a GPU that this machine lacks. models: per trial.
    """

    runs: int
    models: int
    seconds: float | None = None
    memory: int | None = None

    def in_words(self) -> str:
        """As part of a sentence, e.g. "42 runs, about 12 min of training on this machine"."""
        runs = count(self.runs, "run")
        if self.seconds is None or self.memory is None:
            return f"{runs}; they need a GPU, which this machine lacks, so their time is unknown"
        trial = f"a trial of {count(self.models, 'model')} takes {_bytes(self.memory)}"
        return f"{runs}, about {duration(self.seconds)} of training on this machine; {trial}"


@dataclass(frozen=True)
class DeviceHours:
    """Device time that trials will take: expected, with a 90 % interval.

    trials: how many it is estimated from.
    """

    expected: float
    low: float
    high: float
    trials: int

    def in_words(self) -> str:
        """As part of a sentence, e.g. "1.2 device-hours (1.0 to 1.4), by 6 trials so far"."""
        by = count(self.trials, "trial")
        return (
            f"{self.expected:.2g} device-hours ({self.low:.2g} to {self.high:.2g}), by {by} so far"
        )


def device_hours(seconds: Sequence[float], trials: int, share: float = 1.0) -> DeviceHours | None:
    """What `trials` more will take, if they are like those that took `seconds` each to train.

    share: of that training that is expected, if runs end early; the upper end is without that.

    None for fewer than two. It is a prediction interval (Student's t) for the sum of that many
    further draws from a normal distribution whose mean and standard deviation are estimated.
    """
    if len(seconds) < 2:
        return None
    from scipy.special import stdtrit

    known = len(seconds)
    deviation = statistics.stdev(seconds) * math.sqrt(trials + trials**2 / known)
    expected = trials * statistics.fmean(seconds)
    off = float(stdtrit(known - 1, 0.95)) * deviation
    low = share * max(0.0, expected - off)
    return DeviceHours(share * expected / 3600, low / 3600, (expected + off) / 3600, known)


def cost_of(spec: SweepSpec, data: Dataset) -> Cost:
    """Trains a few steps of the first setting to measure their time and memory."""
    import torch

    from trainer.likelihoods.automatic import resolved
    from trainer.training.pack_size import probe

    seeds, on_gpu = len(spec.first_seeds), spec.resources.gpu > 0
    if on_gpu and not torch.cuda.is_available():
        return Cost(spec.most_runs, seeds)
    first = space.active(spec.parameters, space.first(spec.parameters))
    pixels = math.prod(data.shape)
    config = resolved(configure(spec.dataset, spec.trainer, first, pixels), data)
    need = probe(config, data, torch.device("cuda" if on_gpu else "cpu"))
    together = 1.0 if on_gpu else max(1.0, cores() / max(spec.resources.cpu, 1.0))
    seconds = trial_step_seconds(config, data, seeds) * config.steps
    trials = spec.most_runs / seeds
    return Cost(
        runs=spec.most_runs,
        models=seeds,
        seconds=seconds * trials / together,
        memory=need.images + seeds * need.model,
    )


def _bytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"
