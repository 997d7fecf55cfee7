"""Layers for pooling networks: size-preserving convolutions, pooling and unpooling."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.nn.convolution import convolve, grouped, packed
from trainer.nn.layers import draw


class PackedConv3x3(nn.Module):
    """K convolutions, 3x3 with padding 1: (K, n, C, H, W) -> (K, n, outputs, H, W)."""

    def __init__(self, size: int, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.empty(size, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Each model's own convolution."""
        return convolve(F.conv2d, x, self.weight, self.bias, stride=1, padding=1)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Draws the parameters of one model."""
        draw(self, model, self.weight[0, 0].numel(), generator)


class MaxPool(nn.Module):
    """The maximum of every 2x2 block: (K, n, C, H, W) -> (K, n, C, H/2, W/2)."""

    def forward(self, x: Tensor) -> Tensor:
        """Pools images with even sides."""
        return packed(F.max_pool2d(grouped(x), 2), len(x))


class Unpool(nn.Module):
    """Repeats every pixel in a 2x2 block: (K, n, C, H, W) -> (K, n, C, 2 H, 2 W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Doubles the sides of images."""
        return packed(F.interpolate(grouped(x), scale_factor=2, mode="nearest"), len(x))
