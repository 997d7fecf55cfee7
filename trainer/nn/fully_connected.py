"""Stacks of fully connected layers, from which fully connected networks are built."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from trainer.nn.layers import PackedLinear


def fully_connected(
    size: int, widths: Sequence[int], activation: type[nn.Module]
) -> list[nn.Module]:
    """K = size packed layers through `widths`, with activations in between."""
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        modules += [PackedLinear(size, inputs, outputs), activation()]
    return modules[:-1]
