"""What a configuration names: objectives, architectures, likelihoods and data sets."""

from collections.abc import Mapping
from typing import Any

from trainer.architectures import ARCHITECTURES
from trainer.config.run import RunConfig
from trainer.data import DATASETS
from trainer.extensions import with_installed, with_sources
from trainer.likelihoods import LIKELIHOODS
from trainer.objectives import OBJECTIVES

REGISTRIES: Mapping[str, Mapping[str, Any]] = {
    "objective": OBJECTIVES,
    "architecture": ARCHITECTURES,
    "likelihood": LIKELIHOODS,
    "dataset": DATASETS,
}


def with_own_code(config: RunConfig) -> RunConfig:
    """`config` with all of the user's own source, so that its id covers it.

    Source in files and in installed packages. Raises FieldError with a RunConfig path.
    """
    return with_installed(with_sources(config), REGISTRIES)
