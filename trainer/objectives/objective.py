"""What an objective is: a pure function of a batch, its options, and what it learns.

`trainer.training.learners` defines how a pack is trained with it: an objective names a learner
without importing it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from trainer.architectures.architecture import Architecture, Shape
from trainer.config.run import OptimizerConfig, RunConfig
from trainer.config.schema import NoOptions

Terms = Mapping[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """One step of K models, each on its own n images, as an objective sees it.

    x: images in [0, 1], (K, n, C, H, W).
    decoded: the decoder's output for z, shaped like x; logits for a Bernoulli likelihood.
    mu, logvar: of the Gaussian q(z|x), (K, n, M). z: its sample, (K, n, M).
    log_px: log p(x|z) in nats, (K, n), by the run's likelihood.
    beta: one per model, (K,).
    step: optimiser steps done so far, (), float64. images: number of images in the data set.
    own: the objective's own learned parameters, as its `own` made them.
    adversary: its adversary's network, as it is at this step.
    active: in clamped batches, the latents that were not averaged, (K, M).
    """

    x: Tensor
    decoded: Tensor
    mu: Tensor
    logvar: Tensor
    z: Tensor
    log_px: Tensor
    beta: Tensor
    step: Tensor
    images: int
    own: nn.Module | None = None
    adversary: nn.Module | None = None
    active: Tensor | None = None


@dataclass(frozen=True)
class Adversary:
    """A network trained only from codes against the objective, in alternation with it.

    network: (size K, latents M, options) -> its packed layers.
    loss: (network, z, other) -> its loss, (K,). z: the codes (K, n, M) that the objective has just
        seen; other: codes of a second batch of n images, from the encoder after its step.
    optimizer: options -> its own optimiser.
    """

    network: Callable[[int, int, Any], nn.Module]
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor]
    optimizer: Callable[[Any], OptimizerConfig]


# (architecture, size K, shape, latents M, options) -> encoder and decoder
MakeNetworks = Callable[[Architecture, int, Shape, int, Any], tuple[nn.Module, nn.Module]]


@dataclass(frozen=True)
class Objective:
    """What is minimised, and how, if this differs from a VAE.

    terms: (batch, options) -> named arrays, all means over the batch: "loss" (K,), which is
        minimised; "reconstruction" (K,), log p(x|z) in nats; "kl" (K,) and "kl_per_latent" (K, M)
        in nats; and anything else (K, ...) worth recording. A model's terms must depend only on
        that model's arrays. The batch is a `Batch`, or whatever the objective's `learner` makes.
    options: frozen dataclass into which `RunConfig.objective_options` is strictly read.
    own: (size K, latents M, options) -> a module whose parameters have a leading model axis and are
        trained with the networks, except those that require no gradient. It draws initial values in
        `initialise`, like those of trainer.nn.layers. If it is a
        `trainer.distributions.prior.Prior`, it is the models' prior.
    adversary: a second network with its own loss.
    check: (config, options) -> None; raises FieldError, with a RunConfig path, for a run for which
        the objective is not defined.
    networks: (architecture, size, shape, latents, options) -> encoder and decoder, if they are
        not simply the architecture's.
    learner: how a pack learns from it, a name in `trainer.training.learners.LEARNERS`.
    supervised: whether it learns from labels, which are then part of a run's identity.
    """

    terms: Callable[[Any, Any], Terms]
    options: type = NoOptions
    own: Callable[[int, int, Any], nn.Module] | None = None
    adversary: Adversary | None = None
    check: Callable[[RunConfig, Any], None] | None = None
    networks: MakeNetworks | None = None
    learner: str = "vae"
    supervised: bool = False
