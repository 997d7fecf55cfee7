"""The networks by name. A new one is a file beside this one and a line here."""

from collections.abc import Callable

from torch import nn

from trainer.models.conv import conv
from trainer.models.fc1200 import fc1200
from trainer.models.mlp import mlp

# (size K, shape (C, H, W), latents M) -> (encoder, decoder)
Architecture = Callable[[int, tuple[int, int, int], int], tuple[nn.Module, nn.Module]]

ARCHITECTURES: dict[str, Architecture] = {"fc1200": fc1200, "mlp": mlp, "conv": conv}
