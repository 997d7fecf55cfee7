"""InfoGAN (Chen et al. 2016), as Higgins et al. 2017 trained it (Table 1, A.2)."""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from trainer.architectures.architecture import Architecture, Shape
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, require
from trainer.distributions.gaussian import log_density
from trainer.distributions.uniform_prior import UniformPrior
from trainer.errors import UserError
from trainer.nn.adversarial import Discriminator, Generator
from trainer.objectives.objective import Objective, Terms

CODE_ENTROPY = math.log(2)  # of Uniform(-1, 1), in nats


@dataclass(frozen=True)
class InfoganOptions:
    """Options of the game; a run's `latents` are the regularised codes.

    noise_codes: additional codes that need not be recognised, 0 or more.
    instance_noise: standard deviation of the noise on the discriminator's inputs, for pixels
        in [0, 1]; 0.2 for pixels in [-1, 1] in A.2.
    information: lambda, the weight of the information about the codes, 0 or more; the papers do not
        state it for 2D shapes. With 1, images follow their codes at the cost of realism.
    discriminator_lr: learning rate of discriminator and recognition; the run's own is the
        generator's, and the rest of the optimiser is the same for both.
    """

    noise_codes: int = 5
    instance_noise: float = 0.1
    information: float = 0.1
    discriminator_lr: float = 2e-4

    def __post_init__(self) -> None:
        for name in ("noise_codes", "instance_noise", "information"):
            require(getattr(self, name) >= 0, name, "expected 0 or more")
        require(self.discriminator_lr > 0, "discriminator_lr", "expected a positive number")


@dataclass(frozen=True)
class Game:
    """One step of K games, each on n real and n generated images.

    real, fake: logits of the discriminator, (K, n).
    codes: the regularised codes of the generated images, (K, n, M).
    mu, logvar: of the Gaussian Q(c|x) of the generated images, (K, n, M).
    """

    real: Tensor
    fake: Tensor
    codes: Tensor
    mu: Tensor
    logvar: Tensor


def infogan(game: Game, options: InfoganOptions) -> Terms:
    """Chen et al. 2016, Eq. 6: min_{G,Q} max_D V(D, G) - lambda L_I(G, Q).

    "discriminator" (K,), minimised by D and Q: -E[log D(x)] - E[log(1 - D(G))] - lambda L_I. "loss"
    (K,), minimised by G: -E[log D(G)] - lambda L_I; Goodfellow et al. 2014 (Sec. 3) recommend it
    over E[log(1 - D(G))], whose gradient vanishes where D is confident.
    "information" (K,) is L_I = E[log Q(c|G)] + H(c) in nats (Eq. 5), "information_per_latent"
    (K, M) its parts. "accuracy" (K,) is the share of images that D classifies correctly.
    """
    per_latent = log_density(game.codes, game.mu, game.logvar).mean(1) + CODE_ENTROPY
    information = per_latent.sum(1)
    mistaken = F.softplus(-game.real).mean(1) + F.softplus(game.fake).mean(1)
    correct = (game.real > 0).float().mean(1) + (game.fake < 0).float().mean(1)
    return {
        "loss": F.softplus(-game.fake).mean(1) - options.information * information,
        "discriminator": mistaken - options.information * information,
        "information": information,
        "information_per_latent": per_latent,
        "accuracy": correct / 2,
    }


def networks(
    architecture: Architecture, size: int, shape: Shape, latents: int, options: InfoganOptions
) -> tuple[Discriminator, Generator]:
    """Recognition with discriminator, of M = `latents` codes; the generator also takes noise."""
    codes = latents + options.noise_codes
    encoder, _ = architecture(size, shape, latents)
    if len(encoder) < 2:
        raise UserError(
            "objective 'infogan' adds a second head to the encoder: use an architecture of packed "
            "layers, whose last module is its head"
        )
    _, decoder = architecture(size, shape, codes)
    return Discriminator(encoder, size), Generator(decoder, codes)


def prior(size: int, latents: int, options: InfoganOptions) -> UniformPrior:
    """p(c) and p(z), each code Uniform(-1, 1)."""
    return UniformPrior(options.noise_codes)


def _check(config: RunConfig, options: InfoganOptions) -> None:
    if config.beta != 1:
        problem = f"objective 'infogan' has no beta; omit beta={config.beta:g}"
        raise FieldError(problem, ("beta",))
    if config.batch_size < 2:
        problem = "objective 'infogan' normalises batches; expected at least 2 images"
        raise FieldError(problem, ("batch_size",))


INFOGAN = Objective(
    infogan, InfoganOptions, own=prior, check=_check, networks=networks, learner="infogan"
)
