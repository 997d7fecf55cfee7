"""The convolutional network of Higgins et al. 2017, Table 1, for chairs, CelebA and 3D faces."""

from torch import nn

from trainer.architecture import Networks, Shape
from trainer.errors import UserError
from trainer.models.fully_connected import fully_connected
from trainer.models.stages import convolutions, deconvolutions

CHANNELS = {64: (32, 32, 64, 64), 32: (32, 32, 64)}  # of each stage, by image side; all end at 4x4
WIDTH = 256


def conv(size: int, shape: Shape, latents: int) -> Networks:
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
    encoder = nn.Sequential(
        *convolutions(size, stages),
        nn.Flatten(2),
        *fully_connected(size, (last * 16, WIDTH, 2 * latents), nn.ReLU),
    )
    decoder = nn.Sequential(
        *fully_connected(size, (latents, WIDTH, last * 16), nn.ReLU),
        nn.ReLU(),
        nn.Unflatten(2, (last, 4, 4)),
        *deconvolutions(size, stages),
    )
    return encoder, decoder
