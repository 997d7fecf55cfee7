"""The convolutional network of Higgins et al. 2017, Table 1, for chairs, CelebA and 3D faces."""

from collections.abc import Mapping, Sequence

from trainer.architectures.architecture import Networks, Shape
from trainer.architectures.strided_convolutions import strided

# channels of each stage, by image side; all end at 4x4
CHANNELS: Mapping[int, Sequence[int]] = {64: (32, 32, 64, 64), 32: (32, 32, 64)}


def conv(
    size: int,
    shape: Shape,
    latents: int,
    channels: Mapping[int, Sequence[int]] = CHANNELS,
    width: int = 256,
) -> Networks:
    """Encoder Conv 32, 32, 64, 64 (4x4, stride 2), FC 256 with ReLU; decoder the reverse.

    For 64x64 images; 32x32 ones have one stage fewer.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for other image sizes.
    """
    return strided("conv", size, shape, latents, channels, hidden=(width,))
