"""beta-TCVAE (Chen et al. 2018): the parts of the KL, weighted separately."""

from dataclasses import dataclass

from trainer.config.schema import require
from trainer.distributions.gaussian import kl_from_standard_normal, log_density
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms
from trainer.objectives.total_correlation import (
    Sampling,
    aggregate_posterior,
    total_correlation,
)


@dataclass(frozen=True)
class TotalCorrelationOptions:
    """Weights of the parts of the KL other than the total correlation, whose weight is beta.

    alpha: of the mutual information of image and code; 0 leaves it out.
    gamma: of the KL of each latent's aggregate posterior from the prior.
    sampling: how q(z) is estimated from a batch; see `trainer.objectives.total_correlation`.
    """

    alpha: float = 1.0
    gamma: float = 1.0
    sampling: Sampling = "weighted"

    def __post_init__(self) -> None:
        for name in ("alpha", "gamma"):
            require(getattr(self, name) >= 0, name, "expected 0 or more")


def beta_tcvae(batch: Batch, options: TotalCorrelationOptions) -> Terms:
    """Chen et al. 2018, Eq. 4, on the parts of the KL in Eq. 3 of Stühmer et al. 2019.

    Maximise E_q[log p(x|z)] - alpha MI - beta TC - gamma DW; MI + TC + DW is the KL from the prior:
    MI = E[log q(z|x) - log q(z)], the index-code mutual information;
    TC = E[log q(z) - sum_j log q(z_j)], the total correlation;
    DW = E[sum_j log q(z_j) - log p(z_j)], the dimension-wise KL.

    The sum of all three has a closed form; the estimates enter only where weights differ from 1:
    the same in expectation, with less noise. With beta = alpha = gamma = 1 it is the VAE.
    """
    kl = kl_from_standard_normal(batch.mu, batch.logvar)
    terms = lower_bound(batch.log_px, kl)
    joint, marginals = aggregate_posterior(
        batch.z, batch.mu, batch.logvar, batch.images, options.sampling
    )
    correlation = total_correlation(joint, marginals)
    penalty = terms["kl"] + (batch.beta - 1) * correlation
    if options.alpha != 1:
        posterior = log_density(batch.z, batch.mu, batch.logvar).sum(2)
        penalty = penalty + (options.alpha - 1) * (posterior - joint).mean(1)
    if options.gamma != 1:
        zero = batch.z.new_zeros(())
        prior = log_density(batch.z, zero, zero)
        penalty = penalty + (options.gamma - 1) * (marginals - prior).sum(2).mean(1)
    loss = penalty - terms["reconstruction"]
    return {"loss": loss, **terms, "total_correlation": correlation}


BETA_TCVAE = Objective(beta_tcvae, TotalCorrelationOptions)
