"""A pack's YAML file: RunConfig's keys, with those that differ between models under `models`.

It is read like a sweep file: the same YAML, the same short forms, errors with file and line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.config import yaml_file
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, build
from trainer.config.short_forms import as_written, in_full, named_at
from trainer.config.yaml_file import Document
from trainer.errors import UserError


@dataclass(frozen=True)
class PackFile:
    """A pack as read from its file. configs: one per model."""

    configs: tuple[RunConfig, ...]
    document: Document

    def error(self, error: FieldError) -> UserError:
        """`error`, at a RunConfig path, with the file's name and the line."""
        return _located(self.document, error)


@dataclass(frozen=True)
class ModelOptimizer:
    """The keys of `optimizer` that may differ between the models of a pack."""

    lr: float


@dataclass(frozen=True)
class ModelEntry:
    """One entry of `models`; keys that it omits are taken from the rest of the file."""

    seed: int | None = None
    beta: float | None = None
    optimizer: ModelOptimizer | None = None


def read_pack(path: Path) -> PackFile:
    """The pack in a YAML file. Raises UserError naming the file, line and key."""
    document = yaml_file.read(path)
    try:
        return PackFile(_configs(document.value), document)
    except FieldError as error:
        raise _located(document, error) from None


def _located(document: Document, error: FieldError) -> UserError:
    path, lines = error.path, document.lines
    written = path if path in lines else as_written(path)
    if written not in lines and written[:1] == ("dataset",):
        written = tuple(key for key in written if key != "options")
    return document.error(FieldError(error.problem, written))


def _configs(values: Mapping[str, Any]) -> tuple[RunConfig, ...]:
    shared = in_full({key: value for key, value in values.items() if key != "models"})
    if "dataset" in shared:
        shared["dataset"] = _dataset(shared["dataset"])
    entries = values.get("models", [{}])
    if not isinstance(entries, list) or not entries:
        raise FieldError("expected a list, e.g. '[{seed: 0, beta: 4}]'", ("models",))
    build(RunConfig, shared)  # errors in the shared part are reported without `models[0]`
    return tuple(_config(shared, position, entry) for position, entry in enumerate(entries))


def _dataset(value: Any) -> dict[str, Any]:
    """`{name: dsprites, size: 32}` stands for `{name: dsprites, options: {size: 32}}`."""
    given = named_at("dataset", value)
    options = given.pop("options", {})
    if not isinstance(options, Mapping):
        raise FieldError(f"expected a mapping, got {options!r}", ("dataset", "options"))
    if "name" not in given:
        raise FieldError("required key is missing", ("dataset", "name"))
    return {"name": given.pop("name"), "options": {**options, **given}}


def _config(shared: Mapping[str, Any], position: int, values: Any) -> RunConfig:
    try:
        entry = build(ModelEntry, values)
        merged = dict(shared)
        if entry.seed is not None:
            merged["seed"] = entry.seed
        if entry.beta is not None:
            merged["beta"] = entry.beta
        if entry.optimizer is not None:
            merged["optimizer"] = {**shared["optimizer"], "lr": entry.optimizer.lr}
        return build(RunConfig, merged)
    except FieldError as error:
        raise error.under("models", position) from None
