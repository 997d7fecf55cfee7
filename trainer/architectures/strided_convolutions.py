"""Stacks of strided convolutions, and the networks made of them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from torch import nn

from trainer.architectures.architecture import Networks, Shape
from trainer.errors import UserError
from trainer.nn.fully_connected import fully_connected
from trainer.nn.layers import PackedConv, PackedDeconv


def convolutions(size: int, channels: Sequence[int]) -> list[nn.Module]:
    """K = size packed convolutions through `channels`, each halving the sides, with ReLU."""
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        modules += [PackedConv(size, inputs, outputs), nn.ReLU()]
    return modules


def deconvolutions(size: int, channels: Sequence[int]) -> list[nn.Module]:
    """The reverse of `convolutions` with the same `channels`; the last outputs logits: no ReLU."""
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(reversed(channels)):
        modules += [PackedDeconv(size, inputs, outputs), nn.ReLU()]
    return modules[:-1]


def strided(
    name: str,
    size: int,
    shape: Shape,
    latents: int,
    stages: Mapping[int, Sequence[int]],
    hidden: Sequence[int],
) -> Networks:
    """Encoder `convolutions` down to 4x4, then fully connected with ReLU; decoder the reverse.

    stages: channels of each convolution by the side of the image. hidden: widths of the fully
    connected layers. Raises UserError, with the architecture's `name`, for other image sizes.
    """
    channels, height, width = shape
    if height != width or height not in stages:
        raise UserError(
            f"architecture '{name}' takes 64x64 or 32x32 images, but these are {height}x{width}; "
            "use 'fc1200' or 'mlp'"
        )
    of_stages = (channels, *stages[height])
    last = of_stages[-1]
    encoder = nn.Sequential(
        *convolutions(size, of_stages),
        nn.Flatten(2),
        *fully_connected(size, (last * 16, *hidden, 2 * latents), nn.ReLU),
    )
    decoder = nn.Sequential(
        *fully_connected(size, (latents, *reversed(hidden), last * 16), nn.ReLU),
        nn.ReLU(),
        nn.Unflatten(2, (last, 4, 4)),
        *deconvolutions(size, of_stages),
    )
    return encoder, decoder
