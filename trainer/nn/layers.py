"""Layers for K models at once: every parameter has a leading model axis, and models never mix.

Each layer draws model k's initial weights from the generator it is given for k (uniform within
±1/sqrt(fan-in), PyTorch's default), so a model starts the same alone and in any pack. Biases start
at zero, as was usual at the time of the papers: with random ones an untrained VAE scores better
than in the paper.
"""

import math
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.nn.convolution import convolve


@runtime_checkable
class Initialised(Protocol):
    """A module that draws its own initial parameters, model by model."""

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Draws the parameters of one model."""
        ...


class PackedLinear(nn.Module):
    """K fully connected layers, as one batched product: (K, n, inputs) -> (K, n, outputs)."""

    def __init__(self, size: int, inputs: int, outputs: int):
        super().__init__()
        # (inputs, outputs), unlike nn.Linear: gradients are then contiguous, never copied
        self.weight = nn.Parameter(torch.empty(size, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(size, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Each model's own affine map."""
        return torch.baddbmm(self.bias, x, self.weight)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Draws the parameters of one model."""
        draw(self, model, self.weight.shape[1], generator)


class PackedConv(nn.Module):
    """K convolutions, 4x4 of stride 2: (K, n, C, H, W) -> (K, n, outputs, H/2, W/2)."""

    def __init__(self, size: int, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, outputs, inputs, 4, 4))
        self.bias = nn.Parameter(torch.empty(size, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Each model's own convolution."""
        return convolve(F.conv2d, x, self.weight, self.bias, stride=2, padding=1)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Draws the parameters of one model."""
        draw(self, model, self.weight[0, 0].numel(), generator)


class PackedDeconv(nn.Module):
    """K transposed convolutions, 4x4 of stride 2: (K, n, C, H, W) -> (K, n, outputs, 2H, 2W)."""

    def __init__(self, size: int, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, inputs, outputs, 4, 4))
        self.bias = nn.Parameter(torch.empty(size, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Each model's own transposed convolution."""
        return convolve(F.conv_transpose2d, x, self.weight, self.bias, stride=2, padding=1)

    def initialise(self, model: int, generator: torch.Generator) -> None:
        """Draws the parameters of one model."""
        taps = 4  # with stride 2, 4 of a kernel's 16 weights contribute to an output pixel
        draw(self, model, self.weight.shape[1] * taps, generator)


def draw(layer: nn.Module, model: int, fan_in: int, generator: torch.Generator) -> None:
    """Draws the weights of one model of a layer that has `weight` and `bias`; biases are 0."""
    bound = 1 / math.sqrt(fan_in)
    with torch.no_grad():
        layer.get_parameter("weight")[model].uniform_(-bound, bound, generator=generator)
        layer.get_parameter("bias")[model].zero_()
