"""Architectures written for a single model with plain modules, turned into packed ones."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from trainer.architectures.architecture import Networks, Shape
from trainer.errors import UserError
from trainer.nn.vmapped import Vmapped


def build(
    architecture: Callable[..., Any], name: str, size: int, shape: Shape, latents: int
) -> Networks:
    """Encoder and decoder of K = `size` models.

    architecture: an `Architecture`; or one for a single model, called with (shape, latents). The
        latter returns a pair of modules, encoder (n, C, H, W) -> (n, 2 M), means then log
        variances, and decoder (n, M) -> (n, C, H, W); or one module with these as `encoder` and
        `decoder`.
    name: what the user calls it.

    Raises UserError if `architecture` does not follow this contract.
    """
    if not _is_for_one_model(architecture, name):
        networks: Networks = architecture(size, shape, latents)
        return networks
    parts = [_part(architecture, name, i, shape, latents) for i in (0, 1)]
    _check(name, parts, shape, latents)
    encoder, decoder = (nn.Sequential(Vmapped(size, part)) for part in parts)
    return encoder, decoder


def _is_for_one_model(architecture: Callable[..., Any], name: str) -> bool:
    try:
        parameters = inspect.signature(architecture).parameters.values()
    except (TypeError, ValueError):
        raise UserError(f"{name} is not a function or class that takes (shape, latents)") from None
    required = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    if len(required) not in (2, 3):
        names = ", ".join(p.name for p in required)
        raise UserError(f"{name} is called with (shape, latents), but takes ({names})")
    return len(required) == 2


def _part(
    architecture: Callable[..., Any], name: str, part: int, shape: Shape, latents: int
) -> Callable[[], nn.Module]:
    """A function that makes the encoder (part 0) or the decoder (part 1)."""

    def make() -> nn.Module:
        made = architecture(shape, latents)
        if not isinstance(made, tuple):
            made = getattr(made, "encoder", None), getattr(made, "decoder", None)
        if len(made) != 2 or not all(isinstance(one, nn.Module) for one in made):
            raise UserError(f"{name} must return an encoder and a decoder, each a torch.nn.Module")
        module: nn.Module = made[part]
        return module

    return make


def _check(name: str, parts: list[Callable[[], nn.Module]], shape: Shape, latents: int) -> None:
    """Encodes and decodes one image to check the shapes of the outputs."""
    image = torch.zeros(2, *shape)
    expected = {"encoder": (2, 2 * latents), "decoder": (2, *shape)}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        inputs = image
        for make, (part, sizes) in zip(parts, expected.items(), strict=True):
            try:
                found = tuple(make()(inputs).shape)
            except UserError:
                raise
            except Exception as error:
                problem = f"fails on images {shape}: {' '.join(str(error).split())}"
                raise UserError(f"the {part} of {name} {problem}") from error
            if found != sizes:
                given = tuple(inputs.shape)
                raise UserError(f"the {part} of {name} maps {given} to {found}, not to {sizes}")
            inputs = torch.zeros(2, latents)
