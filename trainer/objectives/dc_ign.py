"""DC-IGN (Kulkarni et al. 2015), where labels determine what each latent encodes.

Higgins et al. 2017 compare with it (Table 1, Fig. 6C). It learns from clamped minibatches: see
`trainer.training.learners.clamped_batches`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from trainer.config.schema import FieldError, require
from trainer.distributions.gaussian import kl_from_standard_normal
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms


@dataclass(frozen=True)
class ClampingOptions:
    """Which latents encode which factor, how often each varies, how strongly the others are fixed.

    factors: number of latents per factor, by name, in the order of the latents; omitted factors
        vary in no batch, and left-over latents are never active. None, the default, assigns one
        latent to every factor with at least two classes, and all remaining ones to the first: on
        2D shapes, six of ten encode the shape (five in Higgins et al. 2017, Fig. 6).
    shares: relative frequency with which each factor varies; 1 where omitted.
    invariance: weight of the inactive latents' distance from their average, 0 or more; 1/100 in
        Kulkarni et al. 2015 (Sec. 3.2), relative to a loss summed over pixels.
    """

    factors: Mapping[str, int] | None = None
    shares: Mapping[str, float] | None = None
    invariance: float = 0.01

    def __post_init__(self) -> None:
        require(self.invariance >= 0, "invariance", "expected 0 or more")
        for name, count in (self.factors or {}).items():
            if count < 1:
                raise FieldError("expected at least 1 latent", ("factors", name))
        for name, share in (self.shares or {}).items():
            if share <= 0:
                raise FieldError("expected a positive number", ("shares", name))


def dc_ign(batch: Batch, options: ClampingOptions) -> Terms:
    """The lower bound of a clamped batch (beta = 1 in the paper), and the pull on inactive latents.

    Kulkarni et al. 2015, Sec. 3.1: the decoder sees the averages of the inactive latents, and their
    gradient from it is replaced by `invariance` times their distance from the average. This is the
    gradient of invariance / 2 times the squared distance, which is added here; the KL keeps its own
    gradient.
    """
    assert batch.active is not None
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    spread = inactive_spread(batch.z, batch.active)
    loss = batch.beta * terms["kl"] - terms["reconstruction"] + options.invariance * spread
    return {"loss": loss, **terms, "inactive_spread": spread}


def inactive_spread(z: Tensor, active: Tensor) -> Tensor:
    """Half the squared distance of the inactive latents from their average over n, (K,).

    z: (K, n, M). active: (K, M).
    """
    distance = z - z.mean(1, keepdim=True)
    return 0.5 * (distance.square().mean(1) * ~active).sum(1)


DC_IGN = Objective(dc_ign, ClampingOptions, learner="clamped_vae", supervised=True)
