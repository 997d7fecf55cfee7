"""IRS, the interventional robustness score (Suter et al. 2019): do other factors move a latent?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.histograms import discretise
from evaluation.metrics.support.labels import MissingLabels
from evaluation.metrics.support.points import Figure, Points, labelled_points
from trainer.data.dataset import Dataset


@dataclass(frozen=True)
class IRS:
    """Results for one model (scalars) or a pack (arrays with K first).

    score: mean robustness of the latents, weighted by their largest deviation; 0..1. A model whose
        latents are all constant scores 0.
    robustness: (M, F) of each latent when each factor is fixed; 0 for a constant latent.
    active: number of latents that are not constant.
    factors: names of the F factors; points: labelled images used.
    """

    score: Figure
    robustness: Figure
    active: Figure
    factors: tuple[str, ...]
    points: int


def irs(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    factors: Sequence[str] | None = None,
    points: int = 10_000,
    quantile: float = 0.99,
    bins: int | None = 20,
) -> IRS:
    """How little each latent moves while its factor is fixed and all others change.

    Takes a latent's distances from its mean in the group of images with one value of a factor, and
    their `quantile` over the group, averaged over groups and divided by the latent's largest
    deviation overall. Its robustness is 1 minus this for its best factor.

    quantile: 1.0 is the paper's maximum; 0.99 is disentanglement_lib's.
    bins: factor classes are first cut into this many groups, as disentanglement_lib does (40
        orientations become 20 groups); None keeps the classes.

    Known weaknesses: duplicated latents are not penalised, nor is a factor that no latent captures.
    The score is invariant to rescaling all latents by the same factor; rescaling one changes its
    weight. With few labels per value, groups look tighter than they are and the score is too high;
    groups of one image are left out.
    Raises MissingLabels when a factor has no group of two, or without enough labels.
    """
    encoded, (drawn,) = labelled_points(
        represent, data, np.random.default_rng(seed), factors, points=points
    )
    means = drawn.means
    largest = np.abs(means - means.mean(axis=1, keepdims=True)).max(axis=1)
    active = means.var(axis=1) > 0
    moved = np.stack([_moved(drawn, f, quantile, bins) for f in range(len(drawn.factors))], axis=-1)
    robustness = np.where(
        active[..., None], 1 - moved / np.where(active, largest, 1)[..., None], 0.0
    )
    weights = np.where(active, largest, 0)
    total = weights.sum(axis=-1)
    score = (robustness.max(axis=-1) * weights).sum(axis=-1) / np.where(total > 0, total, 1)
    return IRS(
        score=encoded.figure(score),
        robustness=encoded.figure(robustness),
        active=encoded.figure(active.sum(axis=-1)),
        factors=drawn.factors,
        points=len(drawn.images),
    )


def _moved(points: Points, factor: int, quantile: float, bins: int | None) -> NDArray[np.float64]:
    """Mean over groups (K, M) of the quantile of |mu - its mean in the group| for one factor."""
    means, classes = points.of(factor)
    moved = []
    for members in groups_of_two(classes, points.factors[factor], bins):
        inside = means[:, members]
        away = np.abs(inside - inside.mean(axis=1, keepdims=True))
        moved.append(np.quantile(away, quantile, axis=1))
    return np.mean(moved, axis=0)


def groups_of_two(
    classes: NDArray[np.int64], factor: str, bins: int | None
) -> list[NDArray[np.bool_]]:
    """The images (n,) in each group of at least two, by the classes (n,) of a factor.

    Raises MissingLabels if there are none.
    """
    groups = classes
    if bins is not None:
        groups = discretise(classes[None, :, None].astype(np.float64), bins)[0, :, 0]
    shared = np.flatnonzero(np.bincount(groups) >= 2)
    if not len(shared):
        raise MissingLabels(
            f"IRS needs two labelled images that share a value of factor '{factor}'; "
            "cut its classes into fewer `bins`, or leave the factor out with the option `factors`"
        )
    return [groups == group for group in shared]
