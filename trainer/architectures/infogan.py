"""The networks of Higgins et al. 2017, Table 1, "2D shapes (InfoGAN)", and A.2.

The decoder is the generator; the encoder is the recognition network. All of it except its last
module, the head, is shared with the discriminator, which adds its own last layer.
"""

from torch import nn

from trainer.architectures.architecture import Networks, Shape
from trainer.errors import UserError
from trainer.nn.batch_norm import PackedBatchNorm
from trainer.nn.layers import PackedConv, PackedDeconv, PackedLinear

LEAK = 0.2  # slope of the leaky ReLU (Radford et al. 2015, whom A.2 follows)


def infogan(size: int, shape: Shape, latents: int) -> Networks:
    """Generator FC 256, 256, Deconv 128, 64 (4x4, stride 2) with ReLU; discriminator the reverse
    with leaky ReLU; recognition head FC 128. Batch normalisation in all layers except the
    discriminator's first and the output layers.

    The paper's Tanh outputs pixels in [-1, 1]; here they are in [0, 1], and the decoder outputs
    logits.

    encoder: (K, n, C, H, W) -> (K, n, 2 latents), the means then the log variances.
    decoder: (K, n, latents) -> (K, n, C, H, W).
    Raises UserError for images whose sides cannot be halved twice.
    """
    channels, height, width = shape
    if height % 4 or width % 4:
        raise UserError(
            "architecture 'infogan' takes images whose sides are multiples of 4, "
            f"but these are {height}x{width}; use 'fc1200' or 'mlp'"
        )
    features = 128, height // 4, width // 4
    flat = features[0] * features[1] * features[2]
    encoder = nn.Sequential(
        PackedConv(size, channels, 64),
        nn.LeakyReLU(LEAK),
        *_normalised(PackedConv(size, 64, 128), PackedBatchNorm(size, 128)),
        nn.LeakyReLU(LEAK),
        nn.Flatten(2),
        *_connected(size, flat, 256),
        *_connected(size, 256, 256),
        nn.Sequential(*_connected(size, 256, 128), PackedLinear(size, 128, 2 * latents)),
    )
    first, second = (PackedLinear(size, inputs, 256) for inputs in (latents, 256))
    decoder = nn.Sequential(
        *_normalised(first, PackedBatchNorm(size, 256)),
        nn.ReLU(),
        *_normalised(second, PackedBatchNorm(size, 256)),
        nn.ReLU(),
        *_normalised(
            PackedLinear(size, 256, flat), nn.Unflatten(2, features), PackedBatchNorm(size, 128)
        ),
        nn.ReLU(),
        *_normalised(PackedDeconv(size, 128, 64), PackedBatchNorm(size, 64)),
        nn.ReLU(),
        PackedDeconv(size, 64, channels),
    )
    return encoder, decoder


def _connected(size: int, inputs: int, outputs: int) -> list[nn.Module]:
    normalised = _normalised(PackedLinear(size, inputs, outputs), PackedBatchNorm(size, outputs))
    return [*normalised, nn.LeakyReLU(LEAK)]


def _normalised(layer: nn.Module, *norm: nn.Module) -> tuple[nn.Module, ...]:
    """The layer, with its bias fixed at 0, followed by `norm`.

    Normalisation removes a bias: its gradient is rounding error, which Adam would turn into steps.
    """
    layer.get_parameter("bias").requires_grad = False
    return layer, *norm
