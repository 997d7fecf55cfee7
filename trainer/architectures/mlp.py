"""A small fully connected network for small images (28x28, 32x32): quick sweeps on a laptop."""

import math

from torch import nn

from trainer.architectures.architecture import Networks, Shape
from trainer.nn.fully_connected import fully_connected


def mlp(size: int, shape: Shape, latents: int, width: int = 128) -> Networks:
    """Encoder and decoder FC 128, 128 (`width`) with ReLU. Images of any shape.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    """
    pixels = math.prod(shape)
    encoder = fully_connected(size, (pixels, width, width, 2 * latents), nn.ReLU)
    decoder = fully_connected(size, (latents, width, width, pixels), nn.ReLU)
    return nn.Sequential(nn.Flatten(2), *encoder), nn.Sequential(*decoder, nn.Unflatten(2, shape))
