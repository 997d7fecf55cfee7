"""The baseline `untrained_vae`: the paper's fully connected encoder as it is initialised."""

from collections.abc import Sequence

from evaluation.baselines.fitted import Fitted, Model
from trainer.config import DatasetConfig, RunConfig
from trainer.data.dataset import Dataset
from trainer.models import Pack


def untrained_vae(data: Dataset, seeds: Sequence[int]) -> Fitted:
    """Means (K, n, 10) of the models that training would start from with these seeds.

    On dSprites 55.8 ± 4.7 %, where the paper has 44.14 ± 2.5. It is the initial biases: PyTorch's
    are random, the network then is closer to a random linear map of the pixels (59 %), and seeds
    differ more. With biases of 0, as TensorFlow's layers have, Glorot's, He's and LeCun's weights
    give 48.8, 48.1 and 50.4 % (six seeds). The start stays that of the VAEs that are trained here.
    """
    config = RunConfig(DatasetConfig(data.name), architecture="fc1200", latents=10)
    pack = Pack(config, len(seeds), data.shape)
    pack.draw_parameters(seeds)
    return Fitted((Model(lambda x: pack.encode(x)[0], data),))
