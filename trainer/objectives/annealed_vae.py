"""AnnealedVAE (Burgess et al. 2018, "Understanding disentangling in beta-VAE"): a KL that grows."""

from dataclasses import dataclass

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, require
from trainer.distributions.gaussian import kl_from_standard_normal
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms
from trainer.objectives.ramp import ramp


@dataclass(frozen=True)
class CapacityOptions:
    """The capacity of the codes, and how strongly it is enforced.

    gamma: weight of the distance from the capacity, 0 or more.
    capacity: final C in nats; it grows linearly from 0 over `capacity_steps`.
    The defaults are those of the paper on 2D shapes.
    """

    gamma: float = 1000.0
    capacity: float = 25.0
    capacity_steps: int = 100_000

    def __post_init__(self) -> None:
        for name in ("gamma", "capacity", "capacity_steps"):
            require(getattr(self, name) >= 0, name, "expected 0 or more")


def annealed_vae(batch: Batch, options: CapacityOptions) -> Terms:
    """Burgess et al. 2018, Eq. 8: maximise E_q[log p(x|z)] - gamma |KL(q(z|x) || N(0, I)) - C|."""
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    capacity = options.capacity * ramp(batch.step, options.capacity_steps)
    distance = (terms["kl"] - capacity).abs()
    return {"loss": options.gamma * distance - terms["reconstruction"], **terms}


def _check(config: RunConfig, options: CapacityOptions) -> None:
    if config.beta != 1:
        problem = f"objective 'annealed_vae' has no beta, only gamma; omit beta={config.beta:g}"
        raise FieldError(problem, ("beta",))


ANNEALED_VAE = Objective(annealed_vae, CapacityOptions, check=_check)
