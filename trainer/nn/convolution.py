"""Convolutions of K models at once, in the way that is fastest on the device."""

from collections.abc import Callable

import torch
from torch import Tensor


def convolve(
    convolution: Callable[..., Tensor],
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    stride: int,
    padding: int,
) -> Tensor:
    """Each model's own convolution: (K, n, C, H, W) -> (K, n, outputs, ...).

    convolution: torch.nn.functional's conv2d or conv_transpose2d.
    weight: (K, ...), model k's kernels as `convolution` takes them. bias: (K, outputs).
    """
    # on a CPU, groups take up to twice as long, and vmap even longer: tests.benchmarks.convolutions
    way = one_by_one if x.device.type == "cpu" else in_groups
    return way(convolution, x, weight, bias, stride=stride, padding=padding)


def one_by_one(
    convolution: Callable[..., Tensor], x: Tensor, weight: Tensor, bias: Tensor, **options: int
) -> Tensor:
    """As `convolve`, one model after another, with channels last in memory."""
    ys = [
        convolution(
            images.to(memory_format=torch.channels_last),
            kernels.to(memory_format=torch.channels_last),
            offsets,
            **options,
        ).permute(0, 2, 3, 1)
        for images, kernels, offsets in zip(x, weight, bias, strict=True)
    ]
    y = torch.stack(ys) if len(ys) > 1 else ys[0].unsqueeze(0)  # a single one need not be copied
    return y.permute(0, 1, 4, 2, 3)  # a view: channels stay last in memory


def in_groups(
    convolution: Callable[..., Tensor], x: Tensor, weight: Tensor, bias: Tensor, **options: int
) -> Tensor:
    """As `convolve`, as one convolution in K groups: a single launch on a GPU."""
    size = len(weight)
    y = convolution(grouped(x), weight.flatten(0, 1), bias.flatten(), **options, groups=size)
    return packed(y, size)


def grouped(x: Tensor) -> Tensor:
    """(K, n, C, H, W) -> (n, K*C, H, W); no copy when `x` comes from another packed convolution."""
    return x.transpose(0, 1).flatten(1, 2)


def packed(y: Tensor, size: int) -> Tensor:
    """The inverse of `grouped`, for K = size."""
    return y.unflatten(1, (size, -1)).transpose(0, 1)
