"""Loads trained models from their run folders, one or many at once."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from trainer.config.run import PACK_KEYS, RunConfig
from trainer.config.schema import FieldError, build
from trainer.errors import UserError
from trainer.files import parse_json, read_plain, seal_holds, stamp
from trainer.models.pack import Pack
from trainer.run_files import CONFIG_FILE, MODEL_FILE, RECORD_FILE


@dataclass(frozen=True)
class Saved:
    """Content of a model's config.json. shape: (C, H, W) of images; levels: `Dataset.levels`."""

    config: RunConfig
    shape: tuple[int, int, int]
    levels: int


def load_pack(folders: Sequence[Path | str], device: torch.device | str = "cpu") -> Pack:
    """The trained models of `folders` as one frozen pack, model k from folders[k].

    They may differ in beta, seed and training, but in nothing that affects parameter shapes.
    Raises UserError for a folder without a finished model, or one incompatible with the first.

    Example: `mu, logvar = load_pack([folder]).encode(images)`.
    """
    paths = [Path(folder) for folder in folders]
    if not paths:
        raise UserError("no run folders given; specify at least one")
    first = read_config(paths[0])
    for path in paths[1:]:
        _check_fits(read_config(path), first, path, paths[0])
    try:
        pack = Pack(first.config, len(paths), first.shape)
    except FieldError as error:
        raise UserError(f"{paths[0] / CONFIG_FILE}: {error}") from None
    for model, path in enumerate(paths):
        _check_unchanged(path)
        _fill(pack, model, path / MODEL_FILE)
    return pack.to(device).requires_grad_(False).eval()


def read_config(folder: Path) -> Saved:
    """The config.json of a run folder. Raises UserError."""
    path = folder / CONFIG_FILE
    try:
        values = parse_json(read_plain(path))
        data = values.pop("data")
        channels, height, width = data["shape"]
        return Saved(build(RunConfig, values), (channels, height, width), int(data["levels"]))
    except FileNotFoundError:
        raise UserError(f"{folder} is not a run folder: it has no {CONFIG_FILE}") from None
    except FieldError as error:
        raise UserError(f"{path}: {error}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}); train this run again") from None


def _check_fits(this: Saved, first: Saved, path: Path, first_path: Path) -> None:
    for name in PACK_KEYS:
        mine, theirs = getattr(this.config, name), getattr(first.config, name)
        if mine != theirs:
            raise UserError(
                f"{path} has {name} {mine}, {first_path} has {theirs}; load them as two packs"
            )
    if this.shape != first.shape:
        raise UserError(
            f"{path} has images {this.shape}, {first_path} has {first.shape}; "
            "load them as two packs"
        )


def _check_unchanged(folder: Path) -> None:
    """Raises UserError for a model that differs from its records, or that is not a file."""
    path, listed = folder / MODEL_FILE, _listed(folder)
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is not a file; remove it and train this run again")
    with contextlib.suppress(OSError):  # `_fill` reports it
        if listed is not None and listed != stamp(path):
            raise UserError(
                f"{path} is damaged (its SHA-256 is not the one in {RECORD_FILE}); "
                "train this run again"
            )
    trained = _trained_with(folder / MODEL_FILE)
    stated = parse_json(read_plain(folder / CONFIG_FILE))
    for name in trained.keys() & stated.keys() - {"dataset"}:  # the images may have moved
        if trained[name] != stated[name]:
            raise UserError(
                f"{folder / CONFIG_FILE} was changed: its {name} is {stated[name]}, but the model "
                f"was trained with {trained[name]}; rerun its sweep to fix it"
            )


def _listed(folder: Path) -> object:
    """The checksum of the model in training.json; None without one, as where MLflow brought it."""
    try:
        record = parse_json(read_plain(folder / RECORD_FILE))
        return record["files"][MODEL_FILE] if seal_holds(record) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _trained_with(path: Path) -> Mapping[str, Any]:
    """The configuration in a model's header; empty if there is none."""
    try:
        with safe_open(path, "pt") as file:
            config = parse_json((file.metadata() or {})["run"].encode())["config"]
        return config if isinstance(config, Mapping) else {}
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return {}  # `_fill` reports what is wrong with the file


def _fill(pack: Pack, model: int, path: Path) -> None:
    try:
        tensors = load_file(path)
        with torch.no_grad():
            for name, parameter in pack.named_parameters():
                parameter[model].copy_(tensors[name])
    except FileNotFoundError:
        raise UserError(
            f"{path.parent} has no {path.name}: its training failed or has not finished"
        ) from None
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise UserError(f"{path} is damaged ({error}); train this run again") from None
