"""DIP-VAE I (Kumar et al. 2018): uncorrelated means of the codes, with variance 1."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.config.schema import require
from trainer.distributions.gaussian import kl_from_standard_normal
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms


@dataclass(frozen=True)
class CovarianceOptions:
    """Weights of the two parts of the penalty.

    lambda_od: of the squared covariances.
    lambda_d: of the variances' squared distances from 1; by default 10 lambda_od, the ratio in the
        paper's experiments.
    """

    lambda_od: float = 10.0
    lambda_d: float | None = None

    def __post_init__(self) -> None:
        require(self.lambda_od >= 0, "lambda_od", "expected 0 or more")
        require(self.lambda_d is None or self.lambda_d >= 0, "lambda_d", "expected 0 or more")


def dip_vae_i(batch: Batch, options: CovarianceOptions) -> Terms:
    """Kumar et al. 2018, Eq. 6: beta-VAE's loss (beta = 1) plus `penalty` of Cov[mu(x)]."""
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    lambda_d = 10 * options.lambda_od if options.lambda_d is None else options.lambda_d
    penalised = penalty(covariance(batch.mu), options.lambda_od, lambda_d)
    loss = batch.beta * terms["kl"] - terms["reconstruction"] + penalised
    return {"loss": loss, **terms, "covariance_penalty": penalised}


def covariance(mu: Tensor) -> Tensor:
    """Cov[mu(x)] over the images of the batch, (K, M, M): E[mu mu^T] - E[mu] E[mu]^T."""
    centred = mu - mu.mean(1, keepdim=True)
    return centred.transpose(1, 2) @ centred / mu.shape[1]


def penalty(covariances: Tensor, lambda_od: float, lambda_d: float) -> Tensor:
    """lambda_od sum_{i≠j} C_ij^2 + lambda_d sum_i (C_ii - 1)^2, (K,), for C (K, M, M)."""
    variances = covariances.diagonal(dim1=1, dim2=2)
    across = covariances - torch.diag_embed(variances)
    return lambda_od * across.square().sum((1, 2)) + lambda_d * (variances - 1).square().sum(1)


DIP_VAE_I = Objective(dip_vae_i, CovarianceOptions)
