"""Indicators of what a VAE has learned, without labels: information, divergences, used latents."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.points import (
    Figure,
    Posterior,
    draw_images,
    encode_posterior,
    kl_from_prior,
    need_posterior,
)
from trainer.data.dataset import Dataset
from trainer.data.holdout import unseen
from trainer.distributions.prior import Prior, StandardNormal

# images (n, channels, height, width) in [0, 1] and latents z, (n, M) or (K, n, M) -> log p(x|z) in
# nats, (n,) or (K, n)
LogLikelihood = Callable[[Tensor, Tensor], Tensor]

_PRIOR_SAMPLES = 20_000  # for a variance to 1 %


@dataclass(frozen=True)
class Indicators:
    """Results for one model (scalars) or a pack (arrays with K first); in nats.

    q*(z) is the factorised zero-mean Gaussian nearest to the encoder's posteriors, with variances
    `variance`. Definitions are from "Preliminary theoretical troubleshooting in variational
    autoencoder".

    score, aggregate_kl: KL(q(z) || p(z)), a lower bound (Definition 4); LOWER is better: 0 means
        that the codes of the data follow the prior.
    kl: mean KL(q(z|x) || p(z)) (Definition 1); kl_per_latent: (M,).
    information: I(x; z), an upper bound (Definition 2); information_per_latent: (M,) I(x; z_h)
        (Definition 3).
    aggregate_kl_gaussian: KL(q* || p) (Definition 5); information_gaussian: I(x; z) as kl minus
        aggregate_kl_gaussian (Definition 6); information_gaussian_per_latent: (M,) (Definition 7).
        For the best q* they equal Definitions 4, 2 and 3 exactly.
    variance: (M,) variance of q* for each latent.
    used: number of latents with I(x; z_h) above the threshold.
    normal_variance: number of latents whose variance of q* is close to the prior's.
    evlb: empirical variational lower bound on log p(x) per image (Eq. 13); None without a
        likelihood.
    points: images used.
    """

    score: Figure
    aggregate_kl: Figure
    kl: Figure
    kl_per_latent: Figure
    information: Figure
    information_per_latent: Figure
    aggregate_kl_gaussian: Figure
    information_gaussian: Figure
    information_gaussian_per_latent: Figure
    variance: Figure
    used: Figure
    normal_variance: Figure
    evlb: Figure | None
    points: int


def indicators(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    posterior: Posterior | None = None,
    log_likelihood: LogLikelihood | None = None,
    prior: Prior | None = None,
    points: int = 10_000,
    used: float = 0.5,
    normal: float = 0.1,
) -> Indicators:
    """Definitions 1 to 7 and the empirical lower bound, on random images. No labels are read.

    They are computed on held-out images, as in the paper, if there are any.

    represent: not used; present because all metrics have the same signature.
    posterior: images -> (mu, logvar); required, raises UserError if missing.
    log_likelihood: (images, z) -> log p(x|z) in nats, for the lower bound; z is one sample per
        image (L = 1 in the paper).
    prior: p(z) of the models, N(0, I) by default. KL from a prior without closed form (ISA) and
        its variance are estimated by samples.
    used: nats of I(x; z_h) above which a latent counts as used, 0.5 as in the paper's appendix E.
    normal: a latent has normal variance when that of q* is within this fraction of the prior's,
        which is 1 for N(0, I). The paper counts such latents but states no tolerance.
    """
    posterior, data = need_posterior(posterior, "indicators"), unseen(data)
    rng = np.random.default_rng(seed)
    images = draw_images(data, rng, points)
    encoded, mu, logvar = encode_posterior(posterior, data, images)

    prior = prior or StandardNormal()
    draw = np.random.default_rng([seed, 1])  # keeps z of the lower bound unchanged

    # the minimiser of the mean KL to a factorised zero-mean Gaussian (Eq. 10) is its second moment
    variance = np.maximum((mu**2 + np.exp(logvar)).mean(axis=1), np.finfo(np.float64).tiny)
    scaled = (mu / np.sqrt(variance)[:, None], logvar - np.log(variance)[:, None])  # q* is N(0, 1)
    kl_per_latent = kl_from_prior(prior, mu, logvar, draw).mean(axis=1)
    information_per_latent = kl_from_prior(StandardNormal(), *scaled, draw).mean(axis=1)
    kl, information = kl_per_latent.sum(axis=-1), information_per_latent.sum(axis=-1)
    nearest = np.broadcast_to(np.log(variance)[:, None], mu.shape)
    nearest_kl_per_latent = kl_from_prior(prior, np.zeros_like(mu), nearest, draw).mean(axis=1)
    nearest_kl = nearest_kl_per_latent.sum(axis=-1)
    usual = _variance(prior, len(mu), mu.shape[-1], draw)

    evlb = None
    if log_likelihood is not None:
        likelihood = _log_likelihood(
            log_likelihood, data, images, mu, logvar, rng, encoded.codes.single
        )
        evlb = encoded.figure(likelihood - kl)
    return Indicators(
        score=encoded.figure(kl - information),
        aggregate_kl=encoded.figure(kl - information),
        kl=encoded.figure(kl),
        kl_per_latent=encoded.figure(kl_per_latent),
        information=encoded.figure(information),
        information_per_latent=encoded.figure(information_per_latent),
        aggregate_kl_gaussian=encoded.figure(nearest_kl),
        information_gaussian=encoded.figure(kl - nearest_kl),
        information_gaussian_per_latent=encoded.figure(kl_per_latent - nearest_kl_per_latent),
        variance=encoded.figure(variance),
        used=encoded.figure((information_per_latent > used).sum(axis=-1)),
        normal_variance=encoded.figure((np.abs(variance / usual - 1) <= normal).sum(axis=-1)),
        evlb=evlb,
        points=len(images),
    )


def _variance(
    prior: Prior, models: int, latents: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Variances (K, M) of the prior, whose mean is 0."""
    if isinstance(prior, StandardNormal):
        return np.ones((models, latents))
    with torch.no_grad():
        samples = prior.sample(models, _PRIOR_SAMPLES, latents, rng)[..., :latents]
    return samples.double().square().mean(dim=1).numpy()


def _log_likelihood(
    log_likelihood: LogLikelihood,
    data: Dataset,
    images: NDArray[np.int64],
    mu: NDArray[np.float64],
    logvar: NDArray[np.float64],
    rng: np.random.Generator,
    single: bool,
    batch: int = 512,
) -> NDArray[np.float64]:
    """Mean over images, (K,), of log p(x|z) at one z ~ q(z|x); all models get the same noise."""
    total = np.zeros(len(mu))
    for start in range(0, len(images), batch):
        some = slice(start, start + batch)
        noise = rng.standard_normal(mu[0, some].shape)
        drawn = mu[:, some] + np.exp(0.5 * logvar[:, some]) * noise
        z = torch.from_numpy(drawn.astype(np.float32))
        pixels = torch.from_numpy(np.asarray(data.images(images[some]))).float() / data.levels
        with torch.no_grad():
            nats = log_likelihood(pixels, z[0] if single else z)
        total += nats.double().cpu().numpy().reshape(len(mu), -1).sum(axis=1)
    return total / len(images)
