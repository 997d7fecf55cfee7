"""FactorVAE score (Kim & Mnih 2018): does the least varying latent identify the fixed factor?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Codes, Represent
from evaluation.metrics.support.halves import (
    FEW_SPLITS,
    Halves,
    few_labels,
    labelled_halves,
)
from evaluation.metrics.support.labels import Groups, Labels, read_labels
from evaluation.metrics.support.points import Figure, draw_images, encode_sound
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset

_CHUNK = 2**22  # numbers in memory at once while variances are computed


@dataclass(frozen=True)
class FactorVAE:
    """Results for one model (scalars) or a pack (arrays with K first).

    score: share of the evaluation votes that the majority-vote classifier gets right, 0..1.
    train_accuracy: the same on its training votes.
    active: number of latents whose mean has a standard deviation of `threshold` or more; the others
        never win a vote. A model without active latents scores chance.
    votes: (F, M) training votes, factors by latents.
    factors: names of the F factors.
    chance: accuracy of always predicting one factor.
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
    encoded; the vote is for the latent with the least variance among them, relative to its variance
    over all images. The classifier maps each latent to the factor for which it got the most votes.

    factors: names to use; by default all labelled ones. Partly labelled images count where known.
    train, test: numbers of votes.
    variance_estimate: number of images for the global variances.
    threshold: latents with a smaller standard deviation are pruned, 0.05 as in
        disentanglement_lib's published study. It is absolute: a code scaled down far enough loses
        its latents.
    images: at most this many labelled images, drawn once, are used in the votes, so that 960,000
        draws cost 65,536 encodings; each class still has hundreds of images for a batch of 64.

    Raises MissingLabels for fewer than two factors, and when some factor does not have two classes
    with two labelled images each in both halves; FieldError for an invalid number.
    """
    numbers = {"batch_size": batch_size, "variance_estimate": variance_estimate}
    for option, number in numbers.items():
        if number < 2:
            raise FieldError(f"expected 2 or more, got {number}", (option,))
    for option, number in {"train": train, "test": test, "images": images}.items():
        if number < 1:
            raise FieldError(f"expected 1 or more, got {number}", (option,))
    rng = np.random.default_rng(seed)
    labels, splits = votes_apart(data, seed, factors, images)
    count = len(labels.factors)
    sizes = [part for _ in splits for part in (-(-train // len(splits)), -(-test // len(splits)))]
    halves = [half for split in splits for half in (split.learn, split.test)]
    overall = draw_images(data, rng, variance_estimate)
    drawn = [
        _draw_votes(labels, half, size, batch_size, rng)
        for half, size in zip(halves, sizes, strict=True)
    ]
    images_drawn = np.concatenate([images for _, images in drawn])
    encoded = encode_sound(represent, data, np.concatenate([overall, np.unique(images_drawn)]))

    variances = encoded.means(overall).var(axis=1, ddof=1)
    active = (np.sqrt(variances) >= threshold) & (variances > 0)
    relative = _local_variances(encoded.codes, images_drawn)
    relative /= np.where(active, variances, np.nan)[:, None]
    named = np.where(np.isnan(relative), np.inf, relative).argmin(axis=-1)

    # (K, F, M) of each half, training and test in turn
    votes = [
        _count(chosen, part, count, variances.shape[-1])
        for (chosen, _), part in zip(
            drawn, np.split(named, np.cumsum(sizes)[:-1], axis=1), strict=True
        )
    ]
    some, chance = active.any(axis=-1), 1 / count
    accuracy = np.array(
        [
            [_accuracy(learnt.argmax(axis=1), part) for part in (learnt, tested)]
            for learnt, tested in zip(votes[::2], votes[1::2], strict=True)
        ]
    ).mean(axis=0)
    return FactorVAE(
        score=encoded.figure(np.where(some, accuracy[1], chance)),
        train_accuracy=encoded.figure(np.where(some, accuracy[0], chance)),
        active=encoded.figure(active.sum(axis=-1)),
        votes=encoded.figure(np.sum(votes[::2], axis=0) * some[:, None, None]),
        factors=labels.factors,
        chance=chance,
    )


def votes_apart(
    data: Dataset,
    seed: int = 0,
    factors: Sequence[str] | None = None,
    images: int = 65_536,
) -> tuple[Labels, list[Halves]]:
    """The labels to use, and for each split the halves that training and test votes come from.

    Options as for `factorvae`. Raises MissingLabels when the labels do not suffice for it.
    """
    labels = read_labels(data, factors)
    splits = FEW_SPLITS if few_labels(labels) else 1
    return labels, labelled_halves(labels, splits, images, seed)


def _draw_votes(
    labels: Labels, groups: Sequence[Groups], votes: int, batch: int, rng: np.random.Generator
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
        # the weights of a class sum to 1, so its part of the cumulative sum starts at its index
        place = cell[:, None] + rng.random((len(mine), batch))
        found = np.searchsorted(np.cumsum(_weights(labels, group)), place, side="right")
        last = group.starts[cell] + group.sizes[cell] - 1
        images[mine] = group.images[np.clip(found, group.starts[cell][:, None], last[:, None])]
    return chosen, images


def _weights(labels: Labels, group: Groups) -> NDArray[np.float64]:
    """Probability of each image (n,) of a group to be drawn from its class; sums to 1 per class.

    Draws one of the other factors, then one of its occurring classes, then an image of it: uniform
    where every combination of factors occurs once. Unlabelled images are a class of their own.
    """
    cell = np.repeat(np.arange(len(group.sizes)), group.sizes)
    weights = np.zeros(len(group.images))
    others = [name for name in labels.factors if name != group.factor]
    for name in others:
        classes = labels.column(name)[group.images] + 1  # UNKNOWN is -1
        pairs, pair, sizes = np.unique(
            cell * (classes.max() + 1) + classes, return_inverse=True, return_counts=True
        )
        occurring = np.bincount(pairs // (classes.max() + 1))  # classes of this factor in each cell
        weights += 1 / (occurring[cell] * sizes[pair] * len(others))
    return weights


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
    """Votes (K, F, M) for each latent while each factor was fixed."""
    cells = (np.arange(len(named))[:, None] * factors + chosen) * latents + named
    return np.bincount(cells.ravel(), minlength=len(named) * factors * latents).reshape(
        len(named), factors, latents
    )


def _accuracy(classifier: NDArray[np.int64], votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share (K,) of votes (K, F, M) for the factor that the classifier (K, M) predicts."""
    right = np.take_along_axis(votes, classifier[:, None], axis=1)
    return right.sum(axis=(1, 2)) / votes.sum(axis=(1, 2))
