"""Stacks of fully connected layers, what the fully connected networks are made of."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from trainer.nn.layers import PackedLinear


def fully_connected(
    size: int, widths: Sequence[int], activation: type[nn.Module]
) -> list[nn.Module]:
    """K = size layers from each of `widths` to the next, with an activation between each two."""
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        modules += [PackedLinear(size, inputs, outputs), activation()]
    return modules[:-1]
