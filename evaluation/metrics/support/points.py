"""Points for the metrics: random images, their codes and, if needed, their classes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from evaluation.metrics.support.encoding import Codes, Represent, encode
from evaluation.metrics.support.labels import (
    Labels,
    MissingLabels,
    need_two_factors,
    read_labels,
)
from trainer.config.schema import FieldError
from trainer.data.dataset import UNKNOWN, Dataset
from trainer.distributions.prior import Prior
from trainer.errors import UserError

# images (n, channels, height, width), float32 in [0, 1] -> mu and logvar of q(z|x), each (n, M) of
# a model or (K, n, M) of a pack
Posterior = Callable[[Tensor], tuple[Tensor, Tensor]]

Figure = float | NDArray[np.float64]  # one model's scalar or array; a pack's array, K first


@dataclass(frozen=True)
class Encoded:
    """The codes of K models, with non-finite ones set to 0.

    finite: (K,) whether all codes of the model are finite; `figure` returns NaN for the others, so
        that only broken models fail.
    """

    codes: Codes
    finite: NDArray[np.bool_]

    def means(self, images: ArrayLike) -> NDArray[np.float64]:
        """Means (K, n, M) of the images at `images` (n,), in that order."""
        return self.codes.means[:, self.codes.rows(images)].astype(np.float64)

    def figure(self, values: ArrayLike) -> Figure:
        """Values (K, ...) as a pack's array, or as a single model's scalar or array."""
        array = np.array(values, np.float64)
        array[~self.finite] = np.nan
        return self.codes.collapse(array)


def encode_sound(represent: Represent | Posterior, data: Dataset, images: ArrayLike) -> Encoded:
    """The codes of the images at `images` (any shape; repeats are encoded once)."""
    codes = encode(represent, data, images)
    finite = codes.tensor.isfinite().all(dim=2).all(dim=1)
    tensor = torch.where(finite[:, None, None], codes.tensor, 0.0)
    return Encoded(Codes(codes.images, tensor, codes.single), finite.cpu().numpy())


def encode_posterior(
    posterior: Posterior, data: Dataset, images: ArrayLike
) -> tuple[Encoded, NDArray[np.float64], NDArray[np.float64]]:
    """mu and logvar, each (K, n, M), of q(z|x) for the images at `images` (n,)."""
    encoded = encode_sound(posterior, data, images)
    mu, logvar = np.split(encoded.means(images), 2, axis=-1)
    return encoded, mu, logvar


def kl_from_prior(
    prior: Prior, mu: NDArray[np.float64], logvar: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """KL(q(z|x) || p(z)) in nats per latent, like mu and logvar, (K, n, M).

    Exact where the prior has a closed form, else estimated at one sample, with the same noise for
    all models; see `trainer.distributions.prior.Prior`.
    """
    noise = rng.standard_normal(mu.shape[1:])
    z = mu + np.exp(0.5 * logvar) * noise
    with torch.no_grad():
        nats = prior.kl(*(torch.from_numpy(np.ascontiguousarray(part)) for part in (mu, logvar, z)))
    return nats.double().numpy()


def need_posterior(posterior: Posterior | None, wanted: str) -> Posterior:
    """`posterior`, or a UserError saying that `wanted` needs more than means."""
    if posterior is None:
        raise UserError(
            f"{wanted} needs the variance of q(z|x), not only its means: pass posterior=, a "
            "function from images to (mu, logvar)"
        )
    return posterior


@dataclass(frozen=True)
class Points:
    """n images with labels, each drawn at most once, and their codes.

    images: (n,) indices into the data set.
    means: (K, n, M).
    classes: (n, F), 0 .. number of classes - 1 in each column, UNKNOWN (-1) where not labelled.
    factors: the names of the F factors.
    few: whether there were fewer labelled images than requested.
    """

    images: NDArray[np.int64]
    means: NDArray[np.float64]
    classes: NDArray[np.int64]
    factors: tuple[str, ...]
    few: bool = False

    def of(self, factor: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Means (K, m, M) and classes (m,) of the m points for which this factor is known."""
        known = self.classes[:, factor] != UNKNOWN
        if known.all():
            return self.means, self.classes[:, factor]
        return self.means[:, known], self.classes[known, factor]


def measured(
    points: Points, factor: int, values: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray]:
    """Means (K, m, M) and values (m,) of a factor where known; its classes if it has no values.

    values: (N,) of a continuous factor, for all images of the data set.
    """
    means, classes = points.of(factor)
    if values is None:
        return means, classes
    return means, values[points.images[points.classes[:, factor] != UNKNOWN]]


def labelled_points(
    represent: Represent,
    data: Dataset,
    rng: np.random.Generator,
    factors: Sequence[str] | None,
    several: bool = False,
    **sizes: int,
) -> tuple[Encoded, tuple[Points, ...]]:
    """Disjoint random sets of images for which at least one factor is known, in order of `sizes`.

    several: refuse a single factor, for a metric that distinguishes factors.
    sizes: how many images each set has, by its option's name. With fewer labelled images than their
        sum, all are used, divided in the ratio of the sizes. Training and test points never
        overlap; disentanglement_lib draws with replacement, which with few labels would test on
        training points. A point need not be labelled for every factor.

    Raises FieldError for a size below 1, and MissingLabels as `drawn_labels` does.
    """
    drawn = drawn_labels(data, rng, factors, several, **sizes)
    images = np.concatenate([some for some, _ in drawn.sets])
    encoded = encode_sound(represent, data, images)
    return encoded, tuple(
        Points(some, encoded.means(some), classes, drawn.factors, drawn.few)
        for some, classes in drawn.sets
    )


@dataclass(frozen=True)
class DrawnLabels:
    """Disjoint sets of labelled images: indices (n,) and classes (n, F) of each; see `Points`."""

    sets: tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]
    factors: tuple[str, ...]
    few: bool


def drawn_labels(
    data: Dataset,
    rng: np.random.Generator,
    factors: Sequence[str] | None,
    several: bool = False,
    **sizes: int,
) -> DrawnLabels:
    """The images of `labelled_points`, not yet encoded.

    Raises MissingLabels when the data has no labels, or one factor where `several` are needed, when
    a set has no label of a factor, or when the first set, for learning, has a single class or no
    class twice.
    """
    for option, size in sizes.items():
        if size < 1:
            raise FieldError(f"expected 1 or more, got {size}", (option,))
    labels = read_labels(data, factors)
    if several:
        need_two_factors(labels)
    candidates = np.flatnonzero((labels.classes != UNKNOWN).any(axis=1))
    share = min(1.0, len(candidates) / sum(sizes.values()))
    ends = np.floor(np.cumsum([0, *sizes.values()]) * share + 1e-9).astype(int)
    drawn = rng.choice(candidates, ends[-1], replace=False)
    classes = _from_zero(labels.classes[drawn])
    for number, (a, b) in enumerate(pairwise(ends)):
        _check(classes[a:b], labels, learn=number == 0)
    sets = tuple((drawn[a:b], classes[a:b]) for a, b in pairwise(ends))
    return DrawnLabels(sets, labels.factors, few=share < 1)


def draw_images(data: Dataset, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
    """`size` distinct random images, labelled or not, ascending; all if there are fewer."""
    if size < 1:
        raise FieldError(f"expected 1 or more, got {size}", ("points",))
    return np.sort(rng.choice(len(data), min(size, len(data)), replace=False))


def _from_zero(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same classes numbered without gaps, so that classes that were not drawn take no room."""
    numbered = np.full_like(classes, UNKNOWN)
    for column, target in zip(classes.T, numbered.T, strict=True):
        known = column != UNKNOWN
        target[known] = np.unique(column[known], return_inverse=True)[1]
    return numbered


def _check(classes: NDArray[np.int64], labels: Labels, learn: bool) -> None:
    """Raises MissingLabels for a factor without labels in `classes` (n, F).

    learn: also for one with a single class, or no class twice.
    """
    for name, column in zip(labels.factors, classes.T, strict=True):
        known = column[column != UNKNOWN]
        seen = len(np.unique(known))
        if seen == 0 or (learn and (seen == 1 or seen == len(known))):
            raise MissingLabels(
                f"too few labels of factor '{name}': {len(known)} of {len(classes)} random images "
                f"have one, and show {seen} classes; {labels.mend(name)}"
            )
