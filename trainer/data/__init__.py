"""Data sets by name: `load("dsprites")`. Adding one is one file and one line in DATASETS."""

import inspect
from typing import Any

from trainer.config.schema import FieldError, convert, lookup, suggestion
from trainer.data.dataset import UNKNOWN, Dataset
from trainer.data.dsprites import DSprites
from trainer.data.folder import Folder
from trainer.data.labels import relabel
from trainer.data.mnist import Mnist

__all__ = ["DATASETS", "UNKNOWN", "Dataset", "load"]

DATASETS: dict[str, type[Dataset]] = {"dsprites": DSprites, "folder": Folder, "mnist": Mnist}


def load(name: str, /, *, labels: str | int = "all", **options: object) -> Dataset:
    """The data set called `name`; cheap, as pixels are made or read at their first use.

    options: those of the data set's class in DATASETS, given as in YAML (lists, texts, numbers).
    labels: how much of the labels to know: "all", "none", a number of images (chosen at random, the
        same ones every time), or the path of a CSV or NPZ table; see trainer.data.labels. The
        images do not change.

        data = load("dsprites", factors={"shape": [0]}, labels=1000)
        data.images([0, 1]), data.classes([0, 1]), data.factors

    Raises FieldError (a UserError) for an unknown name or option, or a value that does not fit;
    UserError for files that cannot be used.
    """
    cls = lookup(DATASETS, name, "data set")
    parameters = inspect.signature(cls).parameters
    for key in options:
        if key not in parameters:
            problem = f"unknown option of {name}{suggestion(key, [*parameters, 'labels'])}"
            raise FieldError(problem, (key,))
    arguments = {}
    for key, parameter in parameters.items():
        if key in options:
            arguments[key] = _convert(key, options[key], parameter.annotation)
        elif parameter.default is inspect.Parameter.empty:
            raise FieldError(f"required option of {name} is missing", (key,))
    return relabel(cls(**arguments), _convert("labels", labels, str | int))


def _convert(key: str, value: object, hint: object) -> Any:
    try:
        return convert(value, hint)
    except FieldError as error:
        raise error.under(key) from None
