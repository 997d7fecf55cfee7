"""FactorVAE score (Kim & Mnih 2018): does the latent that varies least tell the fixed factor?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Codes, Represent
from evaluation.metrics.support.labels import Groups, MissingLabels, read_labels
from evaluation.metrics.support.points import Figure, draw_images, encode_sound
from trainer.config.schema import FieldError
from trainer.data.dataset import UNKNOWN, Dataset

_CHUNK = 2**22  # numbers held at once while variances are taken


@dataclass(frozen=True)
class FactorVAE:
    """Figures of one model (plain numbers) or of a pack (arrays with K first).

    score: share of the evaluation votes that the majority-vote classifier gets right, 0..1.
    train_accuracy: the same on the votes it was made from.
    active: number of latents whose mean has a standard deviation of `threshold` or more; the others
        never win a vote. A model without active latents scores 0.
    votes: (F, M) training votes, factors by latents.
    factors: names of the F factors.
    chance: accuracy of always saying one factor.
    """

    score: Figure
    train_accuracy: Figure
    active: Figure
    votes: Figure
    factors: tuple[str, ...]
    chance: float


def factorvae(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    factors: Sequence[str] | None = None,
    batch_size: int = 64,
    train: int = 10_000,
    test: int = 5_000,
    variance_estimate: int = 10_000,
    threshold: float = 0.05,
    images: int = 65_536,
) -> FactorVAE:
    """The FactorVAE score (Kim & Mnih 2018, section 4), with disentanglement_lib's sizes.

    For a vote, a factor and one of its classes are drawn and `batch_size` images with that class
    encoded; the vote names the latent whose variance among them is least, relative to its variance
    over all images. The classifier says for each latent the factor it was named for most often.

    factors: names to use; all labelled ones by default. Partly labelled images count where they are
        known.
    train, test: numbers of votes.
    variance_estimate: images over which the global variances are taken.
    threshold: latents with a smaller standard deviation are pruned, 0.05 as in
        disentanglement_lib's published study. It is absolute: a code that is scaled down far enough
        loses its latents.
    images: at most so many labelled images, drawn once, take part in the votes, so that 960,000
        draws cost 65,536 encodings; each class still has hundreds of images for a batch of 64.

    Raises MissingLabels when no factor has two classes with two labelled images each, and
    FieldError for a number that makes no sense.
    """
    numbers = {"batch_size": batch_size, "variance_estimate": variance_estimate}
    for option, number in numbers.items():
        if number < 2:
            raise FieldError(f"expected 2 or more, got {number}", (option,))
    for option, number in {"train": train, "test": test, "images": images}.items():
        if number < 1:
            raise FieldError(f"expected 1 or more, got {number}", (option,))
    rng = np.random.default_rng(seed)
    groups = _groups(data, factors, images, rng)
    overall = draw_images(data, rng, variance_estimate)
    chosen, drawn = _draw_votes(groups, train + test, batch_size, rng)
    encoded = encode_sound(represent, data, np.concatenate([overall, np.unique(drawn)]))

    variances = encoded.means(overall).var(axis=1, ddof=1)
    active = (np.sqrt(variances) >= threshold) & (variances > 0)
    relative = _local_variances(encoded.codes, drawn) / np.where(active, variances, np.nan)[:, None]
    named = np.where(np.isnan(relative), np.inf, relative).argmin(axis=-1)

    train_votes = _count(chosen[:train], named[:, :train], len(groups), variances.shape[-1])
    test_votes = _count(chosen[train:], named[:, train:], len(groups), variances.shape[-1])
    classifier = train_votes.argmax(axis=1)
    some = active.any(axis=-1)
    return FactorVAE(
        score=encoded.figure(np.where(some, _accuracy(classifier, test_votes), 0.0)),
        train_accuracy=encoded.figure(np.where(some, _accuracy(classifier, train_votes), 0.0)),
        active=encoded.figure(active.sum(axis=-1)),
        votes=encoded.figure(train_votes * some[:, None, None]),
        factors=tuple(group.factor for group in groups),
        chance=1 / len(groups),
    )


def _groups(
    data: Dataset, factors: Sequence[str] | None, images: int, rng: np.random.Generator
) -> list[Groups]:
    """Each usable factor's images by class; a class needs two, or its variance says nothing."""
    labels = read_labels(data, factors)
    within = np.flatnonzero((labels.classes != UNKNOWN).any(axis=1))
    if images < len(within):
        within = rng.choice(within, images, replace=False)
    groups = [labels.groups(name, at_least=2, within=within) for name in labels.factors]
    usable = [group for group in groups if len(group.sizes) >= 2]
    if not usable:
        raise MissingLabels(
            "the FactorVAE score needs a factor with two classes of two labelled images each; "
            "label more images"
        )
    return usable


def _draw_votes(
    groups: Sequence[Groups], votes: int, batch: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The fixed factor (votes,) and the images (votes, batch), all of one class of that factor.

    The class is that of a random labelled image, so classes come as often as they occur.
    """
    chosen = rng.integers(len(groups), size=votes)
    images = np.empty((votes, batch), np.int64)
    for number, group in enumerate(groups):
        mine = np.flatnonzero(chosen == number)
        anchor = rng.integers(len(group.images), size=len(mine))
        cell = np.searchsorted(group.starts, anchor, side="right") - 1
        within = rng.integers(group.sizes[cell][:, None], size=(len(mine), batch))
        images[mine] = group.images[group.starts[cell][:, None] + within]
    return chosen, images


def _local_variances(codes: Codes, images: NDArray[np.int64]) -> NDArray[np.float64]:
    """Variance (K, votes, M) of each latent within each batch of images (votes, batch)."""
    models, _, latents = codes.tensor.shape
    table = codes.tensor.transpose(0, 1).reshape(
        -1, models * latents
    )  # one gather serves all models
    rows = torch.from_numpy(codes.rows(images)).to(table.device)
    step = max(1, _CHUNK // (rows.shape[1] * table.shape[1]))
    parts = [table[some].var(dim=1) for some in rows.split(step)]
    return torch.cat(parts).double().cpu().numpy().reshape(-1, models, latents).transpose(1, 0, 2)


def _count(
    chosen: NDArray[np.int64], named: NDArray[np.int64], factors: int, latents: int
) -> NDArray[np.int64]:
    """Votes (K, F, M): how often each latent was named while each factor was held fixed."""
    cells = (np.arange(len(named))[:, None] * factors + chosen) * latents + named
    return np.bincount(cells.ravel(), minlength=len(named) * factors * latents).reshape(
        len(named), factors, latents
    )


def _accuracy(classifier: NDArray[np.int64], votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share (K,) of votes (K, F, M) on the factor that the classifier (K, M) says."""
    right = np.take_along_axis(votes, classifier[:, None], axis=1)
    return right.sum(axis=(1, 2)) / votes.sum(axis=(1, 2))
