"""Whether a model suits a data set, told before anything is trained."""

import torch

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.models.pack import Pack


def check_suits(config: RunConfig, data: Dataset) -> None:
    """Raises FieldError, its path that of RunConfig, for a model that cannot be trained on `data`.

    So for images that the architecture does not take, and labels that the objective lacks.
    """
    key = "architecture"
    try:
        with torch.device("meta"):  # no memory is taken for the parameters
            pack = Pack(config, 1, data.shape)
        key, clamping = "objective", pack.objective.clamping
        if clamping:
            cpu = torch.device("cpu")
            clamping(data, pack.latents, pack.objective_options, [config.seed], 1, cpu)
    except FieldError:
        raise
    except UserError as error:
        raise FieldError(str(error), (key,)) from None
