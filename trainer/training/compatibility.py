"""Checks before training whether a model can be trained on a data set."""

import torch

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.models.pack import Pack
from trainer.training.learners import LEARNERS


def check_compatible(config: RunConfig, data: Dataset) -> None:
    """Raises FieldError, with a RunConfig path, for a model that cannot be trained on `data`.

    For example, images that the architecture cannot handle, or missing labels that the objective
    needs.
    """
    key = "architecture"
    try:
        with torch.device("meta"):  # parameters take no memory
            pack = Pack(config, 1, data.shape)
        key, check = "objective", LEARNERS[pack.objective.learner].check
        if check:
            check(config, pack.objective_options, data)
    except FieldError:
        raise
    except UserError as error:
        raise FieldError(str(error), (key,)) from None
