"""beta-VAE (Higgins et al. 2017), with constant or annealed beta. beta = 0 is an autoencoder."""

from dataclasses import dataclass

from trainer.config.schema import require
from trainer.distributions.gaussian import kl_from_standard_normal
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms
from trainer.objectives.ramp import ramp


@dataclass(frozen=True)
class BetaOptions:
    """Annealing of beta: linearly from `anneal_from` over `anneal_steps`.

    anneal_steps: optimiser steps until beta reaches its final value; 0, the default: constant beta.
    anneal_from: beta at step 0, 0 or more; if above the run's beta, it decreases.
    """

    anneal_steps: int = 0
    anneal_from: float = 0.0

    def __post_init__(self) -> None:
        require(self.anneal_steps >= 0, "anneal_steps", "expected 0 or more")
        require(self.anneal_from >= 0, "anneal_from", "expected 0 or more")


def beta_vae(batch: Batch, options: BetaOptions) -> Terms:
    """Higgins et al. 2017, Eq. 4: maximise E_q[log p(x|z)] - beta KL(q(z|x) || N(0, I))."""
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    start, part = options.anneal_from, ramp(batch.step, options.anneal_steps)
    beta = start + (batch.beta - start) * part
    return {"loss": beta * terms["kl"] - terms["reconstruction"], **terms}


BETA_VAE = Objective(beta_vae, BetaOptions)
