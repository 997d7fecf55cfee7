"""What a sweep trains: settings, and the runs of a setting."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.configure import configure
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError
from trainer.config.short_forms import AUTO, in_full
from trainer.data.dataset import Dataset
from trainer.errors import UserError


@dataclass(frozen=True)
class Setting:
    """One point of the search space. `number`: its place in the order of proposals, from 0."""

    number: int
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One model to train. `id`: the name of its folder in the store, `run_id(...)`."""

    id: str
    config: RunConfig


def load_data(spec: SweepSpec) -> Dataset:
    """The data set of the sweep. Raises UserError with the file and line of `dataset`."""
    from trainer.data import load

    try:
        return load(spec.dataset.name, **spec.dataset.options)
    except FieldError as error:
        raise spec.error(error.under("dataset")) from None
    except UserError as error:
        raise spec.error(FieldError(str(error), ("dataset",))) from error  # it lists bad images


def runs_of(spec: SweepSpec, data: Dataset, parameters: Mapping[str, Any]) -> tuple[Run, ...]:
    """The runs of a setting, one per seed. An id depends only on what affects the result."""
    from trainer.likelihoods.automatic import resolved
    from trainer.run_folder import run_ids

    pixels, seeds = math.prod(data.shape), spec.seed_list
    config = resolved(configure(spec.dataset, spec.trainer, parameters, pixels), data)
    return tuple(
        Run(run, dataclasses.replace(config, seed=seed))
        for seed, run in zip(seeds, run_ids(config, data, seeds), strict=True)
    )


def remarks_on_likelihood(spec: SweepSpec, data: Dataset) -> list[str]:
    """What `likelihood: auto` resolves to on `data`, in a sentence, unless Bernoulli."""
    from trainer.likelihoods.automatic import suitable

    if "likelihood" in spec.parameters or in_full(spec.trainer)["likelihood"] != AUTO:
        return []
    try:
        chosen = suitable(data)
    except UserError as error:  # files that cannot be read
        raise spec.error(FieldError(str(error), ("dataset",))) from error
    if chosen == "bernoulli":
        return []
    return [
        f"likelihood: {chosen}, since the images are not purely black and white; to use another, "
        "set trainer.likelihood"
    ]
