"""What an architecture is: the encoder and the decoder of K models, for images of one shape."""

from collections.abc import Callable

from torch import nn

Shape = tuple[int, int, int]  # (channels, height, width)

# encoder: (K, n, C, H, W) -> (K, n, 2 M), the means then the log variances; its last module is the
#     head: the layers before it may feed other heads too.
# decoder: (K, n, M) -> (K, n, C, H, W).
Networks = tuple[nn.Sequential, nn.Sequential]

# (size K, shape, latents M) -> networks; raises UserError for images that it cannot handle.
Architecture = Callable[[int, Shape, int], Networks]
