"""The convolutional network of Burgess et al. 2018 (A.1), also of many later comparisons."""

from torch import nn

from trainer.architecture import Networks, Shape
from trainer.errors import UserError
from trainer.models.fully_connected import fully_connected
from trainer.models.stages import convolutions, deconvolutions

STAGES = {64: 4, 32: 3}  # by image side; all end at 4x4
CHANNELS, WIDTH = 32, 256


def burgess(size: int, shape: Shape, latents: int) -> Networks:
    """Encoder four times Conv 32 (4x4, stride 2), FC 256, 256 with ReLU; decoder its reverse.

    For 64x64 images; 32x32 ones have a stage fewer.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for other image sizes.
    """
    channels, height, width = shape
    if height != width or height not in STAGES:
        raise UserError(
            f"architecture 'burgess' takes 64x64 or 32x32 images, these are {height}x{width}; "
            "use 'fc1200' or 'mlp'"
        )
    stages = (channels, *[CHANNELS] * STAGES[height])
    encoder = nn.Sequential(
        *convolutions(size, stages),
        nn.Flatten(2),
        *fully_connected(size, (CHANNELS * 16, WIDTH, WIDTH, 2 * latents), nn.ReLU),
    )
    decoder = nn.Sequential(
        *fully_connected(size, (latents, WIDTH, WIDTH, CHANNELS * 16), nn.ReLU),
        nn.ReLU(),
        nn.Unflatten(2, (CHANNELS, 4, 4)),
        *deconvolutions(size, stages),
    )
    return encoder, decoder
