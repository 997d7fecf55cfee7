"""UDR, unsupervised disentanglement ranking (Duan et al. 2020): do the seeds of a setting agree?"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.points import (
    Posterior,
    draw_images,
    encode_posterior,
    encode_sound,
    kl_from_prior,
)
from trainer.config.schema import FieldError, suggestion
from trainer.data.dataset import Dataset
from trainer.distributions.prior import Prior, StandardNormal
from trainer.errors import UserError

Correlation = Literal["lasso", "spearman"]
_SWEEPS = 1000  # of coordinate descent, at most; tens are needed


@dataclass(frozen=True)
class UDR:
    """Results for the K seeds of one setting, arrays with K first, all in 0..1.

    score: of each seed: the median of its agreement with each of the others. NaN (undefined) for a
        seed whose codes are not finite or that has no informative latent; others are not compared
        with it either. The mean over seeds is the setting's.
    reason: why a score is NaN; None for the others.
    correlation: "lasso" or "spearman": the one used for `score`.
    lasso, spearman: (K,) the scores by each.
    pairwise: (K, K) agreement of seed i (explaining) with seed j, 0 on the diagonal; by
        `correlation`.
    active: (K,) number of informative latents. With one, seeds that found the same factor already
        agree, at about 0.6 to 0.9, however little they encode.
    activity: how that was determined: "kl" by the KL term, "variance" by the variance of the means.
        chance: 0, the score of noise.
    points: images used.
    """

    score: NDArray[np.float64]
    correlation: str
    lasso: NDArray[np.float64]
    spearman: NDArray[np.float64]
    pairwise: NDArray[np.float64]
    active: NDArray[np.float64]
    reason: NDArray[np.object_]
    activity: str
    chance: float
    points: int


def udr(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    posterior: Posterior | None = None,
    prior: Prior | None = None,
    correlation: Correlation = "lasso",
    points: int = 10_000,
    alpha: float = 0.1,
    threshold: float = 0.01,
) -> UDR:
    """UDR of a pack whose K models are seeds of one setting (Duan et al. 2020). No labels are read.

    Two disentangled models encode the same factors in some order, so each latent of one is
    predicted by one latent of the other; entangled models are each entangled in their own way. For
    a pair of seeds, R is the matrix of absolute lasso coefficients (penalty `alpha`) or Spearman
    correlations between their standardised means; a row or column contributes max² / sum, and rows
    and columns are averaged, as in disentanglement_lib. (The paper weights all rows and columns
    equally, which differs only when two seeds have different numbers of active latents.)

    threshold: latents whose KL term is at most this many nats are left out. KL is that of
        `posterior` from `prior`, by default N(0, I). Without a posterior, half the variance of the
        means replaces it: a lower bound, and its limit for latents that are nearly inactive.

    Given a posterior, invariant to rescaling, negating or reordering latents. Seeds that are
    entangled in the same way, such as identical models, agree as well as disentangled ones (a known
    weakness).
    Raises UserError for fewer than two models.
    """
    if correlation not in get_args(Correlation):
        raise FieldError(
            f"unknown correlation {correlation!r}{suggestion(correlation, get_args(Correlation))}",
            ("correlation",),
        )
    images = draw_images(data, np.random.default_rng(seed), points)
    if posterior is None:
        encoded = encode_sound(represent, data, images)
        means = encoded.means(images)
        information = 0.5 * means.var(axis=1)
    else:
        encoded, means, logvar = encode_posterior(posterior, data, images)
        draw = np.random.default_rng([seed, 1])
        information = kl_from_prior(prior or StandardNormal(), means, logvar, draw).mean(axis=1)
    if len(means) < 2:
        raise UserError("udr compares the seeds of a setting: pass a pack of at least two models")
    from scipy.stats import rankdata  # here, as it takes a second

    active = information > threshold
    standard = _standardised(means) * active[:, None, :]
    ranks = _standardised(rankdata(means, axis=1)) * active[:, None, :]
    agreements = {
        "lasso": _agreement(np.abs(lasso(_correlations(standard), alpha)), active),
        "spearman": _agreement(np.abs(_correlations(ranks)), active),
    }
    alive = encoded.finite & active.any(axis=-1)
    scores = {name: _medians(agreement, alive) for name, agreement in agreements.items()}
    return UDR(
        score=scores[correlation],
        correlation=correlation,
        lasso=scores["lasso"],
        spearman=scores["spearman"],
        pairwise=agreements[correlation],
        active=active.sum(axis=-1).astype(np.float64),
        reason=_reasons(encoded.finite, alive),
        activity="variance" if posterior is None else "kl",
        chance=0.0,
        points=len(images),
    )


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of (K, n, M) with mean 0 and variance 1; constant ones are 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    spread = values.std(axis=1, keepdims=True)
    return centred / np.where(spread > 0, spread, 1)


def _correlations(standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations (K, K, M, M), [i, j, a, b], of model i's latent a with model j's b."""
    models, n, latents = standard.shape
    table = standard.transpose(0, 2, 1).reshape(models * latents, n)
    return (table @ table.T / n).reshape(models, latents, models, latents).transpose(0, 2, 1, 3)


def lasso(correlations: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Coefficients (K, K, M, M), [i, j, a, b], of model i's latent a in explaining model j's b.

    Minimises |y - X w|² / (2 n) + alpha |w|_1, scikit-learn's Lasso on standardised columns, for
    all pairs at once by cyclic coordinate descent. Of the data, only `correlations` (K, K, M, M)
    are needed.
    """
    own = np.einsum("iiab->iab", correlations)
    used = np.einsum("iaa->ia", own) > 0.5  # 1 for a standardised column, 0 for a constant one
    coefficients = np.zeros_like(correlations)
    for _ in range(_SWEEPS):
        change = 0.0
        for a in range(own.shape[-1]):
            explained = np.einsum("ic,ijcb->ijb", own[:, a], coefficients) - coefficients[:, :, a]
            rest = correlations[:, :, a] - explained
            shrunk = np.sign(rest) * np.maximum(np.abs(rest) - alpha, 0) * used[:, None, a, None]
            change = max(change, float(np.abs(shrunk - coefficients[:, :, a]).max()))
            coefficients[:, :, a] = shrunk
        if change < 1e-10:
            break
    return coefficients


def _agreement(strength: NDArray[np.float64], active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Agreement (K, K): max² / sum of each active column and row of (K, K, M, M), averaged."""
    kept = strength * active[:, None, :, None] * active[None, :, None, :]
    agreement = np.zeros(kept.shape[:2])
    for axis, count in ((2, active.sum(axis=-1)[None, :]), (3, active.sum(axis=-1)[:, None])):
        total = kept.sum(axis=axis)
        share = kept.max(axis=axis) ** 2 / np.where(total > 0, total, 1)
        agreement += share.sum(axis=-1) / np.maximum(count, 1) / 2
    np.fill_diagonal(agreement, 0)
    return agreement


def _reasons(finite: NDArray[np.bool_], alive: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Why each seed (K,) has no score; None where it has one."""
    reasons = np.full(len(finite), None, object)
    reasons[~alive] = "UDR is undefined: the model has collapsed, no latent is used"
    reasons[~finite] = "UDR is undefined: codes are not finite"
    if alive.sum() == 1:
        reasons[alive] = "UDR is undefined: no other seed of the setting uses a latent"
    return reasons


def _medians(agreement: NDArray[np.float64], alive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median (K,) of how well each seed is explained by the other live ones; NaN without any."""
    medians = np.full(len(agreement), np.nan)
    for j in np.flatnonzero(alive):
        others = alive & (np.arange(len(alive)) != j)
        if others.any():
            medians[j] = np.median(agreement[others, j])
    return medians
