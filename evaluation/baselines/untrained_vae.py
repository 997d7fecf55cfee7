"""The baseline `untrained_vae`: the paper's fully connected encoder at initialisation."""

from collections.abc import Sequence

from evaluation.baselines.fitted import Fitted, FittedModel
from trainer.config.run import DatasetConfig, RunConfig
from trainer.data.dataset import Dataset
from trainer.models import Pack


def untrained_vae(data: Dataset, seeds: Sequence[int]) -> Fitted:
    """Means (K, n, 10) of the models that training would start from with these seeds.

    On dSprites 48.8 ± 2.7 %; the paper has 44.14 ± 2.5, and does not say how its weights were
    drawn. Biases start at 0, as in TensorFlow's layers; with PyTorch's random ones the network is
    closer to a random linear map of the pixels, and scores 55.8 ± 4.7.
    """
    config = RunConfig(DatasetConfig(data.name), architecture="fc1200", latents=10)
    pack = Pack(config, len(seeds), data.shape)
    pack.draw_parameters(seeds)
    return Fitted((FittedModel(lambda x: pack.encode(x)[0], data),))
