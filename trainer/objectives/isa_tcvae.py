"""ISA-TCVAE (Stühmer et al. 2019, Sec. 4.2): ISA-VAE's prior with beta-TCVAE's weighting."""

from dataclasses import dataclass

from trainer.distributions.isa_prior import IsaOptions, IsaPrior
from trainer.objectives.isa_vae import check_layout
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms
from trainer.objectives.total_correlation import (
    Sampling,
    aggregate_posterior,
    total_correlation,
)


@dataclass(frozen=True)
class IsaTotalCorrelationOptions(IsaOptions):
    """The options of ISA-VAE, and how q(z) is estimated; see `...objectives.total_correlation`."""

    sampling: Sampling = "weighted"


def isa_tcvae(batch: Batch, options: IsaTotalCorrelationOptions) -> Terms:
    """Maximise E_q[log p(x|z)] - MI - beta TC - E[sum_j log q(z_j) - log p_ISA(z)].

    Eq. 3 of the paper, with its prior, which does not factorise over latents, in the last part. The
    three parts add up to E[log q(z|x) - log p_ISA(z)] (Eq. 12), so only beta - 1 times TC is added.
    """
    prior = batch.own
    assert isinstance(prior, IsaPrior)
    terms = lower_bound(batch.log_px, prior.kl(batch.mu, batch.logvar, batch.z))
    joint, marginals = aggregate_posterior(
        batch.z, batch.mu, batch.logvar, batch.images, options.sampling
    )
    correlation = total_correlation(joint, marginals)
    loss = terms["kl"] + (batch.beta - 1) * correlation - terms["reconstruction"]
    exponents = prior.log_p1.exp()
    return {"loss": loss, **terms, "total_correlation": correlation, "exponents": exponents}


ISA_TCVAE = Objective(isa_tcvae, IsaTotalCorrelationOptions, own=IsaPrior, check=check_layout)
