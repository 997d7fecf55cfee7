"""Trained models read back from their run folders, one or many at once."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from trainer.config import DECIDE_PACK, RunConfig
from trainer.errors import UserError
from trainer.models.pack import Pack
from trainer.strict import FieldError, build

CONFIG_FILE, MODEL_FILE = "config.json", "model.safetensors"


def load_pack(folders: Sequence[Path | str], device: torch.device | str = "cpu") -> Pack:
    """The trained models of `folders` as one frozen pack, model k from folders[k].

    They may differ in beta, seed and training, not in what decides the parameters' shapes.
    Raises UserError for a folder without a finished model, or one that does not fit the first.

    Example: `mu, logvar = load_pack([folder]).encode(images)`.
    """
    paths = [Path(folder) for folder in folders]
    if not paths:
        raise UserError("no run folders given; name at least one")
    first, shape = _read_config(paths[0])
    for path in paths[1:]:
        _check_fits(_read_config(path), (first, shape), path, paths[0])
    pack = Pack(first, len(paths), shape)
    for model, path in enumerate(paths):
        _fill(pack, model, path / MODEL_FILE)
    return pack.to(device).requires_grad_(False).eval()


def load_model(folder: Path | str, device: torch.device | str = "cpu") -> Pack:
    """The trained model of one run folder, as a pack of one. Raises as load_pack."""
    return load_pack([folder], device)


def _read_config(folder: Path) -> tuple[RunConfig, tuple[int, int, int]]:
    path = folder / CONFIG_FILE
    try:
        values = json.loads(path.read_text())
        data = values.pop("data")
        channels, height, width = data["shape"]
        return build(RunConfig, values), (channels, height, width)
    except FileNotFoundError:
        raise UserError(f"{folder} is no run folder: it has no {CONFIG_FILE}") from None
    except FieldError as error:
        raise UserError(f"{path}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}); train this run again") from None


def _check_fits(
    this: tuple[RunConfig, tuple[int, int, int]],
    first: tuple[RunConfig, tuple[int, int, int]],
    path: Path,
    first_path: Path,
) -> None:
    for name in DECIDE_PACK:
        mine, theirs = getattr(this[0], name), getattr(first[0], name)
        if mine != theirs:
            raise UserError(
                f"{path} has {name} {mine}, {first_path} has {theirs}; load them as two packs"
            )
    if this[1] != first[1]:
        raise UserError(
            f"{path} has images {this[1]}, {first_path} has {first[1]}; load them as two packs"
        )


def _fill(pack: Pack, model: int, path: Path) -> None:
    try:
        tensors = load_file(path)
        with torch.no_grad():
            for name, parameter in pack.named_parameters():
                parameter[model].copy_(tensors[name])
    except FileNotFoundError:
        raise UserError(
            f"{path.parent} has no {path.name}: its training failed or is not finished"
        ) from None
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise UserError(f"{path} is damaged ({error}); train this run again") from None
