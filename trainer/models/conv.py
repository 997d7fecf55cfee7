"""The convolutional network of Higgins et al. 2017, Table 1, for chairs, CelebA and 3D faces."""

from itertools import pairwise

from torch import nn

from trainer.errors import UserError
from trainer.layers import PackedConv, PackedDeconv, PackedLinear

CHANNELS = {64: (32, 32, 64, 64), 32: (32, 32, 64)}  # of each stage, by image side; all end at 4x4
WIDTH = 256


def conv(size: int, shape: tuple[int, int, int], latents: int) -> tuple[nn.Module, nn.Module]:
    """Encoder Conv 32, 32, 64, 64 (4x4, stride 2), FC 256 with ReLU; decoder its reverse.

    For 64x64 images; 32x32 ones have a stage fewer.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for other image sizes.
    """
    channels, height, width = shape
    if height != width or height not in CHANNELS:
        raise UserError(
            f"architecture 'conv' takes 64x64 or 32x32 images, these are {height}x{width}; "
            "use 'fc1200' or 'mlp'"
        )
    stages = (channels, *CHANNELS[height])
    last = stages[-1]
    encoder = nn.Sequential()
    for inputs, outputs in pairwise(stages):
        encoder.extend([PackedConv(size, inputs, outputs), nn.ReLU()])
    encoder.extend([nn.Flatten(2), PackedLinear(size, last * 16, WIDTH), nn.ReLU()])
    encoder.append(PackedLinear(size, WIDTH, 2 * latents))

    decoder = nn.Sequential(PackedLinear(size, latents, WIDTH), nn.ReLU())
    decoder.extend([PackedLinear(size, WIDTH, last * 16), nn.ReLU(), nn.Unflatten(2, (last, 4, 4))])
    for inputs, outputs in pairwise(reversed(stages)):
        decoder.extend([PackedDeconv(size, inputs, outputs), nn.ReLU()])
    return encoder, decoder[:-1]  # the last stage gives logits: no ReLU
