"""ISA-VAE (Stühmer et al. 2019): a VAE whose prior has independent subspaces."""

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError
from trainer.distributions.isa_prior import IsaOptions, IsaPrior
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms


def isa_vae(batch: Batch, options: IsaOptions) -> Terms:
    """Stühmer et al. 2019, Eq. 12: maximise E_q[log p(x|z) - beta (log q(z|x) - log p_ISA(z))].

    The KL is estimated at the one sample z. "exponents" (K, l0) are the subspaces' p1.
    """
    prior = batch.own
    assert isinstance(prior, IsaPrior)
    terms = lower_bound(batch.log_px, prior.kl(batch.mu, batch.logvar, batch.z))
    loss = batch.beta * terms["kl"] - terms["reconstruction"]
    return {"loss": loss, **terms, "exponents": prior.log_p1.exp()}


def check_layout(config: RunConfig, options: IsaOptions) -> None:
    """Raises FieldError when the subspaces do not add up to the run's latents."""
    try:
        options.sizes(config.latents)
    except FieldError as error:
        raise error.under("objective_options") from None


ISA_VAE = Objective(isa_vae, IsaOptions, own=IsaPrior, check=check_layout)
