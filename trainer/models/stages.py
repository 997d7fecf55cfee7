"""Stacks of convolutions, what the convolutional networks are made of."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from trainer.layers import PackedConv, PackedDeconv


def convolutions(size: int, channels: Sequence[int]) -> list[nn.Module]:
    """K = size convolutions from each of `channels` to the next, each halving the sides; ReLU."""
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        modules += [PackedConv(size, inputs, outputs), nn.ReLU()]
    return modules


def deconvolutions(size: int, channels: Sequence[int]) -> list[nn.Module]:
    """The reverse of `convolutions` with the same `channels`; the last gives logits: no ReLU."""
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(reversed(channels)):
        modules += [PackedDeconv(size, inputs, outputs), nn.ReLU()]
    return modules[:-1]
