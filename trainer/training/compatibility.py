"""Whether a model can be trained on a data set, told before anything is trained."""

import torch

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset
from trainer.errors import UserError
from trainer.models.pack import Pack
from trainer.training.learners import LEARNERS


def check_compatible(config: RunConfig, data: Dataset) -> None:
    """Raises FieldError, its path that of RunConfig, for a model that cannot be trained on `data`.

    So for images that the architecture does not take, and labels that the objective lacks.
    """
    key = "architecture"
    try:
        with torch.device("meta"):  # no memory is taken for the parameters
            pack = Pack(config, 1, data.shape)
        key, check = "objective", LEARNERS[pack.objective.learner].check
        if check:
            check(config, pack.objective_options, data)
    except FieldError:
        raise
    except UserError as error:
        raise FieldError(str(error), (key,)) from None
