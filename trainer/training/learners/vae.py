"""How VAEs are trained: encode, sample, decode, one step; then a step of any adversary."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset
from trainer.device.cuda_graph import recorded
from trainer.distributions.gaussian import reparametrise
from trainer.models.pack import Pack
from trainer.objectives.objective import Adversary, Batch, Terms
from trainer.training.batches import Draws, Pixels
from trainer.training.learners.clamped_batches import ClampedBatches, clamped
from trainer.training.learners.learner import Learning
from trainer.training.optimizers import PackedOptimizer


class VaeLearner:
    """Trains a pack of VAEs on `data`; a `trainer.training.learners.learner.Learner`.

    configs: one per model of the pack, in order.
    clamping: batches of images that differ in one factor, in place of independent ones.
    """

    def __init__(
        self,
        pack: Pack,
        configs: Sequence[RunConfig],
        data: Dataset,
        device: torch.device,
        clamping: ClampedBatches | None = None,
    ):
        self.pack, self.config, self.images = pack, configs[0], len(data)
        self.objective, self.options = pack.objective, pack.objective_options
        seeds, batch_size = [config.seed for config in configs], self.config.batch_size
        own, against = _players(pack)
        self.optimizer = PackedOptimizer(own, [config.optimizer for config in configs])
        self.optimizers = {"optimizer": self.optimizer}
        self.adversary, self.clamping = self.objective.adversary, clamping
        if self.adversary:
            rates = [self.adversary.optimizer(self.options)] * len(configs)
            self.optimizers["against"] = PackedOptimizer(against, rates)
        self.beta = torch.tensor([config.beta for config in configs], device=device)
        self.pixels = Pixels(data, device)
        drawn = batch_size * (2 if self.adversary else 1)
        self.draws = Draws(seeds, self.images, drawn, pack.latents, device)
        self._update = recorded(self._step, device)

    def step(self, number: int) -> Terms:
        """One optimiser step of all models; returns their terms before it."""
        indices, noise = self.draws.at(number)
        done = torch.full((), number, dtype=torch.float64, device=noise.device)
        if self.clamping:
            indices, active = self.clamping.at(number)
            return self._update(done, indices, noise, active)
        return self._update(done, indices, noise)

    def _step(
        self, done: Tensor, indices: Tensor, noise: Tensor, active: Tensor | None = None
    ) -> Terms:
        """The step after `done`, (), steps; see `recorded` for what it may depend on."""
        size = self.config.batch_size
        x = self.pixels.at(indices[:, :size])
        with self.pack.autocast():
            mu, logvar = (half.float() for half in self.pack.encode(x))
            z = reparametrise(mu, logvar, noise[:, :size])
            decoded = self.pack.decode(z if active is None else clamped(z, active)).float()
        batch = Batch(
            x=x,
            decoded=decoded,
            mu=mu,
            logvar=logvar,
            z=z,
            log_px=self.pack.log_likelihood(x, decoded),
            beta=self.beta,
            step=done,
            images=self.images,
            own=self.pack.objective_own,
            adversary=self.pack.adversary,
            active=active,
        )
        terms = self.objective.terms(batch, self.options)
        self.optimizer.step(terms["loss"].sum())  # no model's loss reaches another's parameters
        self.pack.update_likelihood(x, decoded)
        if self.adversary:
            other = indices[:, size:], noise[:, size:]
            terms = {**terms, "adversary": self._adversary_step(self.adversary, z.detach(), *other)}
        return terms

    def _adversary_step(
        self, adversary: Adversary, z: Tensor, indices: Tensor, noise: Tensor
    ) -> Tensor:
        """One step of the adversaries; returns their losses before it, (K,)."""
        with torch.no_grad(), self.pack.autocast():
            mu, logvar = (half.float() for half in self.pack.encode(self.pixels.at(indices)))
            other = reparametrise(mu, logvar, noise)
        assert self.pack.adversary is not None
        loss = adversary.loss(self.pack.adversary, z, other)
        self.optimizers["against"].step(loss.sum())
        return loss


def _players(pack: Pack) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """The parameters trained by the objective's optimiser, and those of the adversary's."""
    trained = {name: p for name, p in pack.named_parameters() if p.requires_grad}
    against = {name: p for name, p in trained.items() if name.startswith("adversary.")}
    return {name: p for name, p in trained.items() if name not in against}, against


VAE = Learning(VaeLearner)
