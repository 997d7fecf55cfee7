"""The fully connected network of Higgins et al. 2017, Table 1, "2D shapes (VAE)".

Stühmer et al. 2019 use the same (A.4); their encoder's `conv_z` is never used.
"""

import math

from torch import nn

from trainer.architectures.architecture import Networks, Shape
from trainer.nn.fully_connected import fully_connected


def fc1200(size: int, shape: Shape, latents: int) -> Networks:
    """Encoder FC 1200, 1200 with ReLU; decoder FC 1200, 1200, 1200 with Tanh. Images of any shape.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    """
    pixels = math.prod(shape)
    encoder = fully_connected(size, (pixels, 1200, 1200, 2 * latents), nn.ReLU)
    decoder = fully_connected(size, (latents, 1200, 1200, 1200, pixels), nn.Tanh)
    return nn.Sequential(nn.Flatten(2), *encoder), nn.Sequential(*decoder, nn.Unflatten(2, shape))
