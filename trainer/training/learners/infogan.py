"""How InfoGAN is trained: a discriminator and recognition step, then a generator step."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset
from trainer.device.cuda_graph import recorded
from trainer.models.pack import Pack
from trainer.nn.adversarial import Discriminator
from trainer.objectives.infogan import Game
from trainer.objectives.objective import Terms
from trainer.randomness import stream
from trainer.training.batches import Draws, Pixels
from trainer.training.learners.learner import Learning
from trainer.training.optimizers import PackedOptimizer


class InfoganLearner:
    """Trains a pack of InfoGANs on `data`; a `trainer.training.learners.learner.Learner`.

    configs: one per model of the pack, in order; their optimisers are the generators'.
    """

    def __init__(
        self, pack: Pack, configs: Sequence[RunConfig], data: Dataset, device: torch.device
    ):
        assert isinstance(pack.encoder, Discriminator)
        self.pack, self.discriminator, self.device = pack, pack.encoder, device
        self.terms, self.options = pack.objective.terms, pack.objective_options
        self.seeds = [config.seed for config in configs]
        self.generators = PackedOptimizer(
            _trained("decoder", pack.decoder), [config.optimizer for config in configs]
        )
        rate = self.options.discriminator_lr
        self.critics = PackedOptimizer(
            _trained("encoder", pack.encoder),
            [replace(config.optimizer, lr=rate) for config in configs],
        )
        self.optimizers = {"generator": self.generators, "observer": self.critics}
        self.pixels = Pixels(data, device)
        codes = pack.latents + self.options.noise_codes
        self.draws = Draws(self.seeds, len(data), configs[0].batch_size, codes, device)
        self._update = recorded(self._step, device)

    def step(self, number: int) -> Terms:
        """A discriminator and recognition step, then a generator step, on one batch."""
        indices, noise = self.draws.at(number)
        seen = [self._instance_noise(kind, number) for kind in ("real", "fake", "generated")]
        return self._update(indices, noise, *seen)

    def _step(
        self,
        indices: Tensor,
        noise: Tensor,
        over_real: Tensor,
        over_fake: Tensor,
        over_generated: Tensor,
    ) -> Terms:
        """See `recorded` for what it may depend on; `over_…` is instance noise."""
        codes = torch.erf(noise / math.sqrt(2))  # the normal's CDF gives a uniform
        real = self.pixels.at(indices)
        with self.pack.autocast():
            fake = self.pack.means(codes)
            (_, sure_of_real), (seen, sure_of_fake) = (
                self._judge(real, over_real),
                self._judge(fake.detach(), over_fake),
            )
        regularised = codes[..., : self.pack.latents]
        game = Game(sure_of_real, sure_of_fake, regularised, *seen.chunk(2, dim=2))
        first = self.terms(game, self.options)
        # a model's loss does not reach another's parameters
        self.critics.step(first["discriminator"].sum())

        with self.pack.autocast():
            seen, sure_of_fake = self._judge(fake, over_generated)
        mu, logvar = seen.chunk(2, dim=2)
        game = replace(game, real=sure_of_real.detach(), fake=sure_of_fake, mu=mu, logvar=logvar)
        second = self.terms(game, self.options)
        self.generators.step(second["loss"].sum())
        return {**second, "discriminator": first["discriminator"], "accuracy": first["accuracy"]}

    def _instance_noise(self, kind: str, step: int) -> Tensor:
        """Standard normal noise for a batch of images, (K, n, C, H, W)."""
        noise = [
            torch.randn(
                (self.draws.batch, *self.pixels.shape),
                generator=stream(seed, f"instance noise, {kind}", step, self.device),
                device=self.device,
            )
            for seed in self.seeds
        ]
        return torch.stack(noise)

    def _judge(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Q's output (K, n, 2 M) and D's (K, n), for images with instance noise."""
        noisy = torch.add(x, noise, alpha=self.options.instance_noise)
        seen, sure_of_real = self.discriminator.judge(noisy)
        return seen.float(), sure_of_real.float()


def _trained(prefix: str, module: nn.Module) -> dict[str, nn.Parameter]:
    return {f"{prefix}.{name}": p for name, p in module.named_parameters() if p.requires_grad}


INFOGAN = Learning(InfoganLearner)
