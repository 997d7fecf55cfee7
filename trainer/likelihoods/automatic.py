"""What `likelihood: auto` stands for on a data set."""

from dataclasses import replace

import numpy as np

from trainer.config.run import RunConfig
from trainer.config.short_forms import AUTO
from trainer.data.dataset import Dataset

LOOKED_AT = 1000  # images; those of a set are either all of two levels, or few are


def resolved(config: RunConfig, data: Dataset) -> RunConfig:
    """`config` with a likelihood by name, where it says `auto`."""
    if config.likelihood != AUTO:
        return config
    return replace(config, likelihood=suitable(data))


def suitable(data: Dataset) -> str:
    """The name of the likelihood that `auto` stands for.

    Bernoulli for pixels that are black or white: its sums are exact there. For others a Gaussian
    that learns its noise: of grey pixels a Bernoulli is no likelihood, and a Gaussian of variance 1
    weighs an image so little against the KL that most latents collapse
    (`python -m tests.benchmarks.likelihood_choice`).
    """
    return "bernoulli" if is_binary(data) else "gaussian_learned"


def is_binary(data: Dataset) -> bool:
    """Whether all pixels are 0 or the largest value, in images from all over the data set."""
    if data.levels == 1:
        return True
    spread = np.unique(np.linspace(0, len(data) - 1, LOOKED_AT).astype(np.int64))
    return all(
        bool(np.isin(data.images(part), (0, data.levels)).all())
        for part in np.array_split(spread, -(-len(spread) // 100))
    )
