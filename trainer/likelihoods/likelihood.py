"""What a likelihood is: log p(x|z) of images, given the decoder's output and its own parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from trainer.config.schema import NoOptions


@dataclass(frozen=True)
class Likelihood:
    """How the decoder's output is interpreted.

    log_prob: (x, decoded, own, options), x (K, n, C, H, W) and decoded, which has `outputs` times
        as many channels -> log p(x|z) in nats, (K, n).
    mean: decoded -> mean images in [0, 1].
    options: frozen dataclass into which `RunConfig.likelihood_options` is strictly read.
    own: (size K, options) -> a module with the likelihood's own parameters, e.g. a noise level per
        model. Those that require a gradient are trained with the networks; the others are set by
        `update`.
    update: (x, decoded, own, options), called after each step with that step's decoder output.
    outputs: number of decoder outputs per pixel channel.
    """

    log_prob: Callable[[Tensor, Tensor, Any, Any], Tensor]
    mean: Callable[[Tensor], Tensor]
    options: type = NoOptions
    own: Callable[[int, Any], nn.Module] | None = None
    update: Callable[[Tensor, Tensor, Any, Any], None] | None = None
    outputs: int = 1
