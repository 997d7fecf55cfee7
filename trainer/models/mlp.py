"""A small fully connected network for small images (28x28, 32x32): quick sweeps on a laptop."""

import math

from torch import nn

from trainer.layers import PackedLinear

WIDTH = 128


def mlp(size: int, shape: tuple[int, int, int], latents: int) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder FC 128, 128 with ReLU. Images of any shape.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    """
    pixels = math.prod(shape)
    encoder = nn.Sequential(
        nn.Flatten(2),
        PackedLinear(size, pixels, WIDTH),
        nn.ReLU(),
        PackedLinear(size, WIDTH, WIDTH),
        nn.ReLU(),
        PackedLinear(size, WIDTH, 2 * latents),
    )
    decoder = nn.Sequential(
        PackedLinear(size, latents, WIDTH),
        nn.ReLU(),
        PackedLinear(size, WIDTH, WIDTH),
        nn.ReLU(),
        PackedLinear(size, WIDTH, pixels),
        nn.Unflatten(2, shape),
    )
    return encoder, decoder
