"""What an objective is: a pure function of a batch, its options, and what it learns itself.

How a pack learns by it is in `trainer.training.learners`: an objective names one, importing none.
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
    """One step of K models on their own n images each, as an objective sees it.

    x: images in [0, 1], (K, n, C, H, W).
    decoded: what the decoder gave for z, like x; logits for a Bernoulli likelihood.
    mu, logvar: of the Gaussian q(z|x), (K, n, M). z: its sample, (K, n, M).
    log_px: log p(x|z) in nats, (K, n), by the run's likelihood.
    beta: one per model, (K,).
    step: optimiser steps done so far, (), float64. images: number of images in the data set.
    own: the objective's own learned parameters, as its `own` made them.
    adversary: its adversary's network, as it is at this step.
    active: of clamped batches, the latents that were not averaged, (K, M).
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
    """A network that learns against the objective, in turn with it, from codes alone.

    network: (size K, latents M, options) -> its packed layers.
    loss: (network, z, other) -> what it minimises, (K,). z: the codes (K, n, M) that the objective
        has just seen; other: those of a second batch of n images, by the encoder after its step.
    optimizer: options -> its own optimiser.
    """

    network: Callable[[int, int, Any], nn.Module]
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor]
    optimizer: Callable[[Any], OptimizerConfig]


# (architecture, size K, shape, latents M, options) -> encoder and decoder
MakeNetworks = Callable[[Architecture, int, Shape, int, Any], tuple[nn.Module, nn.Module]]


@dataclass(frozen=True)
class Objective:
    """What is minimised, and how, where that is not as in a VAE.

    terms: (batch, options) -> named arrays, all means over the batch: "loss" (K,), which is
        minimised; "reconstruction" (K,), log p(x|z) in nats; "kl" (K,) and "kl_per_latent" (K, M)
        in nats; and whatever else (K, ...) is worth recording. A model's terms must depend on that
        model's arrays alone. The batch is a `Batch`, or what the objective's `learner` makes.
    options: frozen dataclass that `RunConfig.objective_options` is read into, strictly.
    own: (size K, latents M, options) -> a module whose parameters have a leading model axis and are
        trained with the networks, but for those that require no gradient. It draws initial values
        as trainer.nn.layers do, in `initialise`. Where it is a `trainer.distributions.prior.Prior`,
        it is the models' prior.
    adversary: a second network with a loss of its own.
    check: (config, options) -> None; raises FieldError, its path that of RunConfig, for a run that
        the objective has no meaning for.
    networks: (architecture, size, shape, latents, options) -> encoder and decoder, where they are
        not the architecture's as they are.
    learner: how a pack learns from it, a name in `trainer.training.learners.LEARNERS`.
    supervised: whether it learns from labels, which then are part of what a run is.
    """

    terms: Callable[[Any, Any], Terms]
    options: type = NoOptions
    own: Callable[[int, int, Any], nn.Module] | None = None
    adversary: Adversary | None = None
    check: Callable[[RunConfig, Any], None] | None = None
    networks: MakeNetworks | None = None
    learner: str = "vae"
    supervised: bool = False
