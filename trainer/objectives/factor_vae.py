"""FactorVAE (Kim & Mnih 2018): the total correlation as estimated by a discriminator."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.config.run import OptimizerConfig
from trainer.config.schema import require
from trainer.distributions.gaussian import kl_from_standard_normal
from trainer.nn.layers import PackedLinear
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Adversary, Batch, Objective, Terms


@dataclass(frozen=True)
class FactorOptions:
    """The weight of the total correlation, and the discriminator that estimates it.

    gamma: the weight, 0 or more; 1 to 10 in Stühmer et al. 2019 (Table 1), 10 to 100 elsewhere.
    hidden, width: number and width of the discriminator's hidden layers. The default is from
    Stühmer et al. 2019 (A.4); Kim & Mnih have 6 layers of 1000.
    lr: the discriminator's learning rate, for Adam with betas 0.5 and 0.9 (Kim & Mnih, App. A).
    """

    gamma: float = 10.0
    hidden: int = 1
    width: int = 1000
    lr: float = 1e-4

    def __post_init__(self) -> None:
        require(self.gamma >= 0, "gamma", "expected 0 or more")
        require(self.lr > 0, "lr", "expected a positive number")
        for name in ("hidden", "width"):
            require(getattr(self, name) > 0, name, "expected 1 or more")


def factor_vae(batch: Batch, options: FactorOptions) -> Terms:
    """Kim & Mnih 2018, Eq. 2: maximise E_q[log p(x|z)] - beta KL - gamma TC, with beta = 1.

    TC = E_q(z)[log D(z) / (1 - D(z))] (Eq. 3), the density ratio of q(z) and prod_j q(z_j) as
    learned so far by the discriminator D.
    """
    assert batch.adversary is not None
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    joint, product = batch.adversary(batch.z).unbind(2)
    correlation = (joint - product).mean(1)
    loss = batch.beta * terms["kl"] - terms["reconstruction"] + options.gamma * correlation
    return {"loss": loss, **terms, "total_correlation": correlation}


def discriminator(size: int, latents: int, options: FactorOptions) -> nn.Sequential:
    """z (K, n, M) -> logits (K, n, 2) of being from q(z), and from the product of its marginals."""
    layers = nn.Sequential()
    inputs = latents
    for _ in range(options.hidden):
        layers.extend([PackedLinear(size, inputs, options.width), nn.LeakyReLU(0.2)])
        inputs = options.width
    layers.append(PackedLinear(size, inputs, 2))
    return layers


def discriminator_loss(module: nn.Module, z: Tensor, other: Tensor) -> Tensor:
    """Kim & Mnih 2018, Alg. 2: mean cross-entropy, in nats, for z against shuffled `other`, (K,).

    z and other: codes (K, n, M) of two batches.
    """
    of_joint = F.log_softmax(module(z), dim=2)[..., 0]
    of_product = F.log_softmax(module(shuffled(other)), dim=2)[..., 1]
    return -0.5 * (of_joint + of_product).mean(1)


def shuffled(z: Tensor) -> Tensor:
    """Codes whose latents are independent of each other, (K, n, M) (Kim & Mnih 2018, Alg. 1).

    Latent j is shifted by j images. The images of a batch are independent draws, so this is
    equivalent to random permutations, and no two latents of a code are from the same image while n
    >= M.
    """
    return torch.stack([latent.roll(j, 1) for j, latent in enumerate(z.unbind(2))], dim=2)


def discriminator_optimizer(options: FactorOptions) -> OptimizerConfig:
    """Adam as in Kim & Mnih 2018, App. A."""
    return OptimizerConfig("adam", options.lr, beta1=0.5, beta2=0.9)


FACTOR_VAE = Objective(
    factor_vae,
    FactorOptions,
    adversary=Adversary(discriminator, discriminator_loss, discriminator_optimizer),
)
