"""What `likelihood: auto` stands for on a data set."""

from dataclasses import replace

import numpy as np

from trainer.config.run import RunConfig
from trainer.config.short_forms import AUTO
from trainer.data.dataset import Dataset

SAMPLED = 1000  # images; in a data set either all have two levels, or few do


def resolved(config: RunConfig, data: Dataset) -> RunConfig:
    """`config` with `auto` replaced by a likelihood's name."""
    if config.likelihood != AUTO:
        return config
    return replace(config, likelihood=suitable(data))


def suitable(data: Dataset) -> str:
    """The name of the likelihood that `auto` stands for.

    Bernoulli for pixels that are black or white, where it is exact. Otherwise a Gaussian that
    learns its noise: a Bernoulli is not a likelihood of grey pixels, and a Gaussian with variance 1
    gives the reconstruction so little weight relative to the KL that most latents collapse
    (`python -m tests.benchmarks.likelihood_choice`).
    """
    return "bernoulli" if is_binary(data) else "gaussian_learned"


def is_binary(data: Dataset) -> bool:
    """Whether all pixels are 0 or the largest value, in images from all over the data set."""
    if data.levels == 1:
        return True
    sample = np.unique(np.linspace(0, len(data) - 1, SAMPLED).astype(np.int64))
    return all(
        bool(np.isin(data.images(part), (0, data.levels)).all())
        for part in np.array_split(sample, -(-len(sample) // 100))
    )
