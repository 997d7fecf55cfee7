"""The VAE (Kingma & Welling 2014): the evidence lower bound itself, beta = 1."""

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, NoOptions
from trainer.distributions.gaussian import kl_from_standard_normal
from trainer.objectives.lower_bound import lower_bound
from trainer.objectives.objective import Batch, Objective, Terms


def vae(batch: Batch, options: NoOptions) -> Terms:
    """Kingma & Welling 2014, Eq. 10: maximise E_q[log p(x|z)] - KL(q(z|x) || N(0, I))."""
    terms = lower_bound(batch.log_px, kl_from_standard_normal(batch.mu, batch.logvar))
    return {"loss": terms["kl"] - terms["reconstruction"], **terms}


def _check(config: RunConfig, options: NoOptions) -> None:
    if config.beta != 1:
        problem = f"objective 'vae' has beta = 1, got {config.beta:g}; use 'beta_vae' instead"
        raise FieldError(problem, ("beta",))


VAE = Objective(vae, check=_check)
