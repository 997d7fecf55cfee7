"""DIP-VAE II (Kumar et al. 2018): uncorrelated sampled codes, with variance 1."""

from dataclasses import dataclass

import torch

from trainer.config.schema import require
from trainer.distributions.gaussian import kl_from_standard_normal
from trainer.objectives.dip_vae_i import covariance, penalty
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms


@dataclass(frozen=True)
class AggregateCovarianceOptions:
    """Weights of the two parts of the penalty.

    lambda_od: of the squared covariances.
    lambda_d: of the variances' squared distances from 1; by default lambda_od, as in the paper's
        experiments.
    """

    lambda_od: float = 10.0
    lambda_d: float | None = None

    def __post_init__(self) -> None:
        require(self.lambda_od >= 0, "lambda_od", "expected 0 or more")
        require(self.lambda_d is None or self.lambda_d >= 0, "lambda_d", "expected 0 or more")


def dip_vae_ii(batch: Batch, options: AggregateCovarianceOptions) -> Terms:
    """Kumar et al. 2018, Eq. 7: beta-VAE's loss (beta = 1) plus `penalty` of Cov[z].

    Cov[z] = E[diag(variance of q(z|x))] + Cov[mu(x)], by the law of total covariance.
    """
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    lambda_d = options.lambda_od if options.lambda_d is None else options.lambda_d
    covariances = covariance(batch.mu) + torch.diag_embed(batch.logvar.exp().mean(1))
    penalised = penalty(covariances, options.lambda_od, lambda_d)
    loss = batch.beta * terms["kl"] - terms["reconstruction"] + penalised
    return {"loss": loss, **terms, "covariance_penalty": penalised}


DIP_VAE_II = Objective(dip_vae_ii, AggregateCovarianceOptions)
