"""The convolutional network of Burgess et al. 2018 (A.1), used in many later comparisons."""

from trainer.architectures.architecture import Networks, Shape
from trainer.architectures.strided_convolutions import strided

CHANNELS = {64: (32,) * 4, 32: (32,) * 3}  # of each stage, by image side; all end at 4x4
WIDTH = 256


def burgess(size: int, shape: Shape, latents: int) -> Networks:
    """Encoder Conv 32 four times (4x4, stride 2), FC 256, 256 with ReLU; decoder the reverse.

    For 64x64 images; 32x32 ones have one stage fewer.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for other image sizes.
    """
    return strided("burgess", size, shape, latents, CHANNELS, hidden=(WIDTH, WIDTH))
