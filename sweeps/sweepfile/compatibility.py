"""Checks, before anything starts, whether the models of a sweep suit its data."""

import math
from typing import Any

from sweeps.search.space import Parameter, active
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.configure import configure
from trainer.config.schema import FieldError
from trainer.config.short_forms import as_written
from trainer.data.dataset import Dataset
from trainer.errors import UserError

RENDERED = "rendered"  # the source of images that are not files: never broken, and they vary
DECISIVE = ("architecture", "objective", "latents")  # a model's compatibility depends on these


def check_models(spec: SweepSpec, data: Dataset) -> None:
    """Raises UserError, with the file and the line, for a model that cannot be trained on `data`.

    Every choice of architecture, objective and number of latents is tried once; `check_images`
    checks the images.
    """
    check_images(spec, data)
    from trainer.likelihoods.automatic import resolved
    from trainer.training.compatibility import check_compatible

    ends = {name: _ends(parameter) for name, parameter in spec.parameters.items()}
    first = {name: values[0] for name, values in ends.items()}
    tried = [first] + [
        {**first, name: value} for name in DECISIVE for value in ends.get(name, ())[1:]
    ]
    pixels = math.prod(data.shape)
    for parameters in tried:
        try:
            setting = active(spec.parameters, parameters)
            config = configure(spec.dataset, spec.trainer, setting, pixels)
            check_compatible(resolved(config, data), data)
        except FieldError as error:
            raise spec.error(FieldError(error.problem, _place(spec, error.path))) from None


def check_images(spec: SweepSpec, data: Dataset) -> None:
    """Raises UserError, with the file and the line, for images with nothing to learn.

    Opens all image files once, and lists all that are broken; their pixels are kept in the cache.
    """
    from trainer.data.describe import never_varies

    if data.source == RENDERED:
        return
    try:
        same = never_varies(data)
    except UserError as error:
        raise spec.error(FieldError(str(error), ("dataset",))) from error
    if same:
        problem = f"all {len(data):,} images are equal: there is nothing to learn from them"
        raise spec.error(FieldError(problem, ("dataset",)))


def _ends(parameter: Parameter) -> tuple[Any, ...]:
    """The values of a list, or the ends of a range."""
    if parameter.choices is not None:
        return parameter.choices
    kind = int if parameter.whole else float
    return kind(parameter.low), kind(parameter.high)


def _place(spec: SweepSpec, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Where in the file a RunConfig key comes from."""
    written = as_written(path)
    if written != path:
        return ("trainer", *written)
    return ("parameters" if path[0] in spec.parameters else "trainer", path[0])
