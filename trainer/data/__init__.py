"""Data sets by name: `load("dsprites")`. Adding one is one file and one line in DATASETS."""

import inspect
from collections.abc import Mapping
from typing import Any

from trainer.config.schema import FieldError, convert, lookup, suggestion
from trainer.data.dataset import UNKNOWN, Dataset, Notes, notes_of, quantities_of
from trainer.data.dsprites import DSprites
from trainer.data.folder import Folder
from trainer.data.holdout import hold_out
from trainer.data.labels.factors import BINS
from trainer.data.labels.weak_labels import choose, relabel
from trainer.data.mnist import Mnist
from trainer.data.published.cars3d import Cars3d
from trainer.data.published.celeba import CelebA
from trainer.data.published.chairs import Chairs
from trainer.data.published.emnist import Emnist
from trainer.data.published.faces3d import Faces3d
from trainer.data.published.mpi3d import Mpi3d
from trainer.data.published.shapes3d import Shapes3d
from trainer.data.published.smallnorb import SmallNorb
from trainer.data.published.yale_b import YaleB

__all__ = ["DATASETS", "UNKNOWN", "Dataset", "Notes", "load", "notes_of", "quantities_of"]

DATASETS: dict[str, type[Dataset]] = {
    "cars3d": Cars3d,
    "celeba": CelebA,
    "chairs": Chairs,
    "dsprites": DSprites,
    "emnist": Emnist,
    "faces3d": Faces3d,
    "folder": Folder,
    "mnist": Mnist,
    "mpi3d": Mpi3d,
    "shapes3d": Shapes3d,
    "smallnorb": SmallNorb,
    "yale_b": YaleB,
}


def load(
    name: str,
    /,
    *,
    labels: str | int = "all",
    factors: object = None,
    bins: object = BINS,
    holdout: object = 0,
    **options: object,
) -> Dataset:
    """The data set called `name`; cheap, as pixels are made or read at their first use.

    options: those of the data set's class in DATASETS, given as in YAML (lists, texts, numbers).
    labels: how much of the labels to know: "all", "none", a number of images (chosen at random, the
        same ones every time), or the path of a table (CSV, NPZ …); see `data.labels`. The
        images do not change.
    factors: a list of the factors to know, in this order, wherever the labels are from. (A mapping
        is an option of data sets of which it chooses a part, such as dsprites.)
    bins: how many classes a continuous factor of a table is cut into, at its quantiles; one number
        for all, or one for each by name.
    holdout: how many images to keep apart from training, chosen at random, always the same ones;
        metrics that the papers take on a test set are taken on them.

        data = load("dsprites", factors={"shape": [0]}, labels=1000)
        data.images([0, 1]), data.classes([0, 1]), data.factors

    Raises FieldError (a UserError) for an unknown name or option, or a value that does not fit;
    UserError for files that cannot be used.
    """
    cls = lookup(DATASETS, name, "data set")
    parameters = inspect.signature(cls).parameters
    chosen = None
    if isinstance(factors, list | tuple):
        chosen = _convert("factors", factors, tuple[str, ...])
    cut = _convert("bins", bins, int | Mapping[str, int])
    _check_bins(cut)
    if factors is not None and (chosen is None or name == "folder"):
        options["factors"] = factors
    if "bins" in parameters:
        options["bins"] = cut
    for key in options:
        if key not in parameters:
            known = [*parameters, "labels", "factors", "bins", "holdout"]
            problem = f"unknown option of {name}{suggestion(key, known)}"
            raise FieldError(problem, (key,))
    arguments = {}
    for key, parameter in parameters.items():
        if key in options:
            arguments[key] = _convert(key, options[key], parameter.annotation)
        elif parameter.default is inspect.Parameter.empty:
            files = getattr(cls, "expected", "")
            problem = f"required option of {name} is missing{'; ' if files else ''}{files}"
            raise FieldError(problem, (key,))
    data = relabel(cls(**arguments), _convert("labels", labels, str | int), cut, chosen)
    data = data if chosen is None else choose(data, chosen)
    return hold_out(data, _convert("holdout", holdout, int))


def _check_bins(bins: int | Mapping[str, int]) -> None:
    for key, count in bins.items() if isinstance(bins, Mapping) else [("", bins)]:
        if count < 2:
            path = ("bins", key) if key else ("bins",)
            raise FieldError(f"expected 2 or more, got {count}", path)


def _convert(key: str, value: object, hint: object) -> Any:
    try:
        return convert(value, hint)
    except FieldError as error:
        raise error.under(key) from None
