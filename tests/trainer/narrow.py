"""The small architectures, narrower still: tests are about bits, not about what is learned."""

from functools import partial

from trainer.architectures.conv import conv as whole_conv
from trainer.architectures.mlp import mlp as whole_mlp

mlp = partial(whole_mlp, width=32)
conv = partial(whole_conv, channels={32: (8, 8, 16)}, width=32)
