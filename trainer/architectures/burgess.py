"""The convolutional network of Burgess et al. 2018 (A.1), also of many later comparisons."""

from trainer.architectures.architecture import Networks, Shape
from trainer.architectures.strided_convolutions import strided

CHANNELS = {64: (32,) * 4, 32: (32,) * 3}  # of each stage, by image side; all end at 4x4
WIDTH = 256


def burgess(size: int, shape: Shape, latents: int) -> Networks:
    """Encoder four times Conv 32 (4x4, stride 2), FC 256, 256 with ReLU; decoder its reverse.

    For 64x64 images; 32x32 ones have a stage fewer.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for other image sizes.
    """
    return strided("burgess", size, shape, latents, CHANNELS, hidden=(WIDTH, WIDTH))
