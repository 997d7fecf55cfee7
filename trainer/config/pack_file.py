"""A pack's YAML file: RunConfig's keys, and under `models` what differs from model to model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, build
from trainer.errors import UserError


@dataclass(frozen=True)
class ModelOptimizer:
    """What a model of a pack may have of its own in `optimizer`."""

    lr: float


@dataclass(frozen=True)
class ModelEntry:
    """One entry of `models`; what it leaves out is as in the rest of the file."""

    seed: int | None = None
    beta: float | None = None
    optimizer: ModelOptimizer | None = None


def read_configs(path: Path) -> list[RunConfig]:
    """One RunConfig a model. Raises UserError that names the file and the key."""
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deep") from None
    try:
        return _configs(values)
    except FieldError as error:
        raise UserError(f"{path}: {error}") from None


def _configs(values: Any) -> list[RunConfig]:
    if not isinstance(values, Mapping):
        raise FieldError("expected RunConfig's keys, e.g. 'dataset: {name: dsprites}'")
    shared = {key: value for key, value in values.items() if key != "models"}
    entries = values.get("models", [{}])
    if not isinstance(entries, list) or not entries:
        raise FieldError("expected a list, e.g. '[{seed: 0, beta: 4}]'", ("models",))
    build(RunConfig, shared)  # mistakes in the shared part are shown without `models[0]`
    return [_config(shared, position, entry) for position, entry in enumerate(entries)]


def _config(shared: Mapping[str, Any], position: int, values: Any) -> RunConfig:
    try:
        entry = build(ModelEntry, values)
        merged = dict(shared)
        if entry.seed is not None:
            merged["seed"] = entry.seed
        if entry.beta is not None:
            merged["beta"] = entry.beta
        if entry.optimizer is not None:
            merged["optimizer"] = {**shared.get("optimizer", {}), "lr": entry.optimizer.lr}
        return build(RunConfig, merged)
    except FieldError as error:
        raise error.under("models", position) from None
