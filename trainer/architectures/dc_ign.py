"""The network of Higgins et al. 2017, Table 1, "2D shapes (DC-IGN)"."""

from torch import nn

from trainer.architectures.architecture import Networks, Shape
from trainer.errors import UserError
from trainer.nn.layers import PackedLinear
from trainer.nn.pooling import MaxPool, PackedConv3x3, Unpool


def dc_ign(size: int, shape: Shape, latents: int) -> Networks:
    """Encoder Conv 96, 48, 48 (3x3), each with ReLU and max pooling (2x2); decoder the reverse:
    unpooling before Conv 48 and 96 with ReLU, and before the last convolution, which outputs the
    image.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for images whose sides cannot be halved three times.
    """
    channels, height, width = shape
    if height % 8 or width % 8:
        raise UserError(
            "architecture 'dc_ign' takes images whose sides are multiples of 8, "
            f"but these are {height}x{width}; use 'fc1200' or 'mlp'"
        )
    features = 48, height // 8, width // 8
    flat = features[0] * features[1] * features[2]
    encoder = nn.Sequential()
    for inputs, outputs in [(channels, 96), (96, 48), (48, 48)]:
        encoder.extend([PackedConv3x3(size, inputs, outputs), nn.ReLU(), MaxPool()])
    encoder.extend([nn.Flatten(2), PackedLinear(size, flat, 2 * latents)])

    decoder = nn.Sequential(PackedLinear(size, latents, flat), nn.Unflatten(2, features))
    for inputs, outputs in [(48, 48), (48, 96), (96, channels)]:
        decoder.extend([nn.ReLU(), Unpool(), PackedConv3x3(size, inputs, outputs)])
    return encoder, decoder
