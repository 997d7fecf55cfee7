"""Data sets by name: `load("dsprites")`. Adding one is one file and one line in DATASETS."""

import inspect
from collections.abc import Mapping
from typing import Any

from trainer.config.run import digest
from trainer.config.schema import FieldError, convert, suggestion
from trainer.data.dataset import UNKNOWN, Dataset, Notes, class_names_of, notes_of, quantities_of
from trainer.data.holdout import hold_out
from trainer.data.labels.factors import BINS
from trainer.data.labels.label_copies import labels_once
from trainer.data.labels.unknown_cells import Missing
from trainer.data.labels.weak_labels import choose, relabel
from trainer.extensions import code_of, look_up
from trainer.registry import Registry

__all__ = [
    "DATASETS",
    "UNKNOWN",
    "Dataset",
    "Notes",
    "class_names_of",
    "load",
    "notes_of",
    "quantities_of",
]

DATASETS: Registry[type[Dataset]] = Registry(
    {
        "cars3d": "trainer.data.published.cars3d:Cars3d",
        "celeba": "trainer.data.published.celeba:CelebA",
        "chairs": "trainer.data.published.chairs:Chairs",
        "dsprites": "trainer.data.dsprites:DSprites",
        "emnist": "trainer.data.published.emnist:Emnist",
        "faces3d": "trainer.data.published.faces3d:Faces3d",
        "folder": "trainer.data.folder:ImageFolder",
        "mnist": "trainer.data.mnist:Mnist",
        "mpi3d": "trainer.data.published.mpi3d:Mpi3d",
        "shapes3d": "trainer.data.published.shapes3d:Shapes3d",
        "smallnorb": "trainer.data.published.smallnorb:SmallNorb",
        "yale_b": "trainer.data.published.yale_b:YaleB",
    },
    "beta_sweep.datasets",
)


def load(
    name: str,
    /,
    *,
    labels: str | int = "all",
    factors: object = None,
    bins: object = BINS,
    missing: object = None,
    holdout: object = 0,
    sources: Mapping[str, str] | None = None,
    **options: object,
) -> Dataset:
    """The data set called `name`; cheap, since pixels are made or read at first use.

    options: those of the data set's class in DATASETS, as in YAML (lists, strings, numbers).
    labels: which labels to use: "all", "none", a number of images (chosen at random, the same ones
        every time), or the path of a table (CSV, NPZ …); see `data.labels`. The
        images do not change.
    factors: a list of the factors to use, in this order, wherever the labels come from. (A mapping
        is an option of data sets such as dsprites, and selects a subset of the images.)
    bins: number of classes into which a continuous factor of a table is cut, at its quantiles; one
        for all, or one for each by name.
    missing: a list of numbers or words that mark missing values in label columns; by default
        numbers such as -999, far from all others, are detected and reported. [] keeps all values.
    holdout: how many images to hold out of training, chosen at random, always the same ones;
        metrics that the papers compute on a test set are computed on these, and traversals start
        from them.

        data = load("dsprites", factors={"shape": [0]}, labels=1000)
        data.images([0, 1]), data.classes([0, 1]), data.factors

    sources: source of the file that `name` refers to (`my_data.py:Blobs`), if it is not here.

    Raises FieldError (a UserError) for an unknown name or option, or an invalid value;
    UserError for files that cannot be used.
    """
    cls = look_up(DATASETS, name, "data set", sources)
    parameters = inspect.signature(cls, eval_str=True).parameters
    chosen = None
    if isinstance(factors, list | tuple):
        chosen = _convert("factors", factors, tuple[str, ...])
    cut = _convert("bins", bins, int | Mapping[str, int])
    _check_bins(cut)
    if factors is not None and (chosen is None or name == "folder"):
        options["factors"] = factors
    if "bins" in parameters:
        options["bins"] = cut
    absent = _convert("missing", missing, Missing | None)
    if "missing" in parameters:
        options["missing"] = absent
    for key in options:
        if key not in parameters:
            known = [*parameters, "labels", "factors", "bins", "missing", "holdout"]
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
    made = _with_code(cls(**arguments), code_of(DATASETS, name, sources))
    data = relabel(made, _convert("labels", labels, str | int), cut, chosen, absent)
    data = data if chosen is None else choose(data, chosen)
    data = labels_once(data, made)
    return hold_out(data, _convert("holdout", holdout, int))


def _with_code(data: Dataset, code: str | None) -> Dataset:
    """The data set, with the user's own source, if any, as part of its fingerprint."""
    if code is not None:
        data.fingerprint = digest([data.fingerprint, code])
        data.labels_fingerprint = digest([data.labels_fingerprint, code]) if data.factors else ""
    return data


def _check_bins(bins: int | Mapping[str, int]) -> None:
    for key, count in bins.items() if isinstance(bins, Mapping) else [("", bins)]:
        if count < 2:
            path = ("bins", key) if key else ("bins",)
            raise FieldError(f"expected 2 or more, got {count}", path)


def _convert(key: str, value: object, hint: object) -> Any:
    if hint is inspect.Parameter.empty:
        return value
    try:
        return convert(value, hint)
    except FieldError as error:
        raise error.under(key) from None
