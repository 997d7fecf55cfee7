"""MIG, the mutual information gap (Chen et al. 2018): is each factor in one latent, not in two?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.histograms import (
    factor_entropies,
    factor_information,
    mutual_information,
)
from evaluation.metrics.support.labels import MissingLabels
from evaluation.metrics.support.points import (
    Figure,
    Points,
    Posterior,
    encode_posterior,
    labelled_points,
    need_posterior,
)
from trainer.config.schema import FieldError, suggestion
from trainer.data.dataset import Dataset

Estimate = Literal["means", "means_ordered", "samples", "samples_ordered"]


@dataclass(frozen=True)
class MIG:
    """Results for one model (scalars) or a pack (arrays with K first); gaps are in 0..1.

    score: the one selected by `estimate`.
    means, means_ordered: latents are represented by their means; gap averaged over all factors
        (five on 2D shapes, as in disentanglement_lib) and over the ordered ones (four); None
        without any.
    samples, samples_ordered: latents are samples of q(z|x); None without a posterior. Chen et al.
        2018 and Stühmer et al. 2019 report `samples_ordered` on 2D shapes.
    gaps: (F,) gap of each factor, by the selected estimate; information: (M, F) I(z_j; v_k) in
        nats.
    factors, ordered: names of all the factors and of the ordered ones.
    points: labelled images used.
    """

    score: Figure
    estimate: str
    means: Figure
    means_ordered: Figure | None
    samples: Figure | None
    samples_ordered: Figure | None
    gaps: Figure
    information: Figure
    factors: tuple[str, ...]
    ordered: tuple[str, ...]
    points: int


def mig(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    posterior: Posterior | None = None,
    estimate: Estimate = "means",
    factors: Sequence[str] | None = None,
    unordered: Sequence[str] = ("shape",),
    points: int = 10_000,
    bins: int = 20,
    fine_bins: int = 256,
) -> MIG:
    """Mean gap between the two latents most informative about a factor, in units of its entropy.

    means: I(mu_j; v_k) with each mean cut into `bins` equal bins, as in disentanglement_lib.
    samples: I(z_j; v_k) with z_j ~ q(z_j|x) and q(z_j) the mixture over the images, Chen et al.'s
        quantity. They average log densities over drawn samples; here each posterior's exact mass is
        put into `fine_bins` bins instead, which has no sampling noise and is many times cheaper.

    posterior: images -> (mu, logvar); needed only for samples. Latents that are constant in
        `represent` count as uninformative here, too.
    unordered: factors that `means_ordered` and `samples_ordered` leave out, because their classes
        have no order (shape on 2D shapes).

    Both estimates are invariant to rescaling latents. With few labels both are too high, most for
    the least informative latents, so the gap is too small.
    Raises MissingLabels without enough labels, and UserError when samples are requested without a
    posterior.
    """
    if estimate not in get_args(Estimate):
        problem = f"unknown estimate {estimate!r}{suggestion(estimate, get_args(Estimate))}"
        raise FieldError(problem, ("estimate",))
    if estimate.startswith("samples"):
        need_posterior(posterior, "mig by samples")
    encoded, (drawn,) = labelled_points(
        represent, data, np.random.default_rng(seed), factors, points=points
    )
    entropies = factor_entropies(drawn)
    ordered = check_ordered(drawn.factors, unordered, estimate)
    varying = np.ptp(drawn.means, axis=1) > 0

    nats = {"means": encoded.figure(factor_information(drawn, bins))}
    if posterior is not None:
        spread, mu, logvar = encode_posterior(posterior, data, drawn.images)
        known = sample_information(drawn, mu, logvar, fine_bins)
        nats["samples"] = spread.figure(known * varying[..., None])
    gaps = {name: information_gaps(information, entropies) for name, information in nats.items()}
    figures: dict[str, Figure] = {name: _mean(each) for name, each in gaps.items()}
    if ordered.any():
        figures |= {f"{name}_ordered": _mean(each[..., ordered]) for name, each in gaps.items()}
    shown = estimate.removesuffix("_ordered")
    return MIG(
        score=figures[estimate],
        estimate=estimate,
        means=figures["means"],
        means_ordered=figures.get("means_ordered"),
        samples=figures.get("samples"),
        samples_ordered=figures.get("samples_ordered"),
        gaps=gaps[shown],
        information=nats[shown],
        factors=drawn.factors,
        ordered=tuple(np.array(drawn.factors)[ordered].tolist()),
        points=len(drawn.images),
    )


def check_ordered(
    factors: Sequence[str], unordered: Sequence[str], estimate: str
) -> NDArray[np.bool_]:
    """Which of the factors are ordered, (F,). Raises MissingLabels when that leaves none to use."""
    ordered = np.array([name not in unordered for name in factors])
    if estimate.endswith("ordered") and not ordered.any():
        raise MissingLabels(
            "mig over ordered factors needs at least one, but only unordered ones are labelled"
        )
    return ordered


def _mean(gaps: NDArray[np.float64]) -> Figure:
    """Mean over factors: a scalar from one model's (F,), an array (K,) from a pack's (K, F)."""
    mean = gaps.mean(axis=-1)
    return float(mean) if gaps.ndim == 1 else mean


def information_gaps(information: Figure, entropies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaps (..., F) of I(z_j; v_k) (..., M, F) over H(v_k) (F,); a lone latent has no runner-up."""
    best = np.sort(information, axis=-2)
    rival = best[..., -2, :] if best.shape[-2] > 1 else 0.0
    return (best[..., -1, :] - rival) / entropies


def sample_information(
    points: Points, mu: NDArray[np.float64], logvar: NDArray[np.float64], bins: int
) -> NDArray[np.float64]:
    """I(z_j; v_k) in nats, (K, M, F), of z_j ~ N(mu, exp(logvar)), both (K, n, M).

    q(z_j | v_k = c) is the mixture of the posteriors of the images in class c; its mass in each of
    `bins` equal bins over the latent's range is exact. Binning can only lose information, and loses
    almost none while bins are narrower than the posteriors.
    """
    models, _, latents = mu.shape
    starts = np.cumsum([0, *(int(column.max()) + 1 for column in points.classes.T)])
    member = np.zeros((starts[-1], len(points.images)))
    for start, column in zip(starts[:-1], points.classes.T, strict=True):
        known = np.flatnonzero(column >= 0)
        member[start + column[known], known] = 1
    information = np.empty((models, latents, len(points.factors)))
    for k, j in np.ndindex(models, latents):
        masses = _class_masses(member, mu[k, :, j], np.exp(0.5 * logvar[k, :, j]), bins)
        for f, (a, b) in enumerate(pairwise(starts)):
            information[k, j, f] = mutual_information(masses[a:b])
    return information


def _class_masses(
    member: NDArray[np.float64],
    mean: NDArray[np.float64],
    deviation: NDArray[np.float64],
    bins: int,
) -> NDArray[np.float64]:
    """Masses (classes, bins) in equal bins of N(mean, deviation²), both (n,), summed by class.

    member: (classes, n), 1 where the image is in the class. The outermost bins include the tails.
    """
    edges = np.linspace((mean - 5 * deviation).min(), (mean + 5 * deviation).max(), bins + 1)[1:-1]
    slope = 1 / (np.sqrt(2) * deviation)
    scaled = torch.from_numpy(np.outer(slope, edges) - (slope * mean)[:, None])
    total = member.sum(axis=1, keepdims=True)
    summed = (torch.from_numpy(member) @ scaled.erf_()).numpy()  # ten times as fast as SciPy's erf
    cumulated = np.hstack([0 * total, 0.5 * (total + summed), total])
    return np.maximum(np.diff(cumulated, axis=1), 0)  # a sum's rounding may leave -1e-17
