"""The networks of "Preliminary theoretical troubleshooting in VAE", Appendix D.5, for any size."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.architectures.architecture import Networks, Shape
from trainer.architectures.strided_convolutions import convolutions
from trainer.errors import UserError
from trainer.nn.fully_connected import fully_connected
from trainer.nn.layers import PackedDeconv

SMALL = 32  # images up to this many pixels on the shorter side have two stages, like MNIST's 28
WIDTH = 256


def troubleshooting(size: int, shape: Shape, latents: int) -> Networks:
    """Encoder Conv 32, 32 (4x4, stride 2) for small images such as MNIST's; Conv 32, 32, 64, 64 for
    larger ones such as CelebA (64x64) and Yale B (192x168); FC 256; ReLU. Decoder the reverse, with
    a linear layer before the deconvolutions.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for images with a side shorter than 4 pixels.
    """
    channels, height, width = shape
    if min(height, width) < 4:
        raise UserError(
            "architecture 'troubleshooting' takes images of at least 4 pixels a side, "
            f"but these are {height}x{width}; use 'fc1200' or 'mlp'"
        )
    stages = (channels, 32, 32) if min(height, width) <= SMALL else (channels, 32, 32, 64, 64)
    sides = [(height >> halvings, width >> halvings) for halvings in range(len(stages))]
    features = stages[-1], *sides[-1]
    flat = features[0] * features[1] * features[2]
    encoder = nn.Sequential(
        *convolutions(size, stages),
        nn.Flatten(2),
        *fully_connected(size, (flat, WIDTH, 2 * latents), nn.ReLU),
    )
    ups: list[nn.Module] = []
    for (outputs, inputs), to in reversed(list(zip(pairwise(stages), sides[:-1], strict=True))):
        ups += [DeconvTo(PackedDeconv(size, inputs, outputs), to), nn.ReLU()]
    decoder = nn.Sequential(
        *fully_connected(size, (latents, WIDTH, flat), nn.ReLU),
        nn.Unflatten(2, features),
        *ups[:-1],  # the last stage outputs logits: no ReLU
    )
    return encoder, decoder


class DeconvTo(nn.Module):
    """A deconvolution to `sides` (height, width), each twice the input's or one more.

    The extra pixel is the one that the matching convolution dropped from an odd side.
    """

    def __init__(self, deconv: PackedDeconv, sides: tuple[int, int]):
        super().__init__()
        self.deconv, self.sides = deconv, sides

    def forward(self, x: Tensor) -> Tensor:
        """(K, n, C, h, w) -> (K, n, outputs, height, width)."""
        height, width = self.sides
        wider = F.pad(x, (0, width % 2, 0, height % 2))
        return self.deconv(wider)[..., :height, :width]
