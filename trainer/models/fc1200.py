"""The fully connected network of Higgins et al. 2017, Table 1, "2D shapes (VAE)"."""

import math

from torch import nn

from trainer.layers import PackedLinear

WIDTH = 1200


def fc1200(size: int, shape: tuple[int, int, int], latents: int) -> tuple[nn.Module, nn.Module]:
    """Encoder FC 1200, 1200 with ReLU; decoder FC 1200, 1200, 1200 with Tanh. Images of any shape.

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
        nn.Tanh(),
        PackedLinear(size, WIDTH, WIDTH),
        nn.Tanh(),
        PackedLinear(size, WIDTH, WIDTH),
        nn.Tanh(),
        PackedLinear(size, WIDTH, pixels),
        nn.Unflatten(2, shape),
    )
    return encoder, decoder
