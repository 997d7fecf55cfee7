"""SAP, separated attribute predictability (Kumar et al. 2018): the lead of the best latent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.linear_svm import fit_machines
from evaluation.metrics.support.points import Figure, Points, labelled_points, measured
from trainer.data.dataset import Dataset, quantities_of


@dataclass(frozen=True)
class SAP:
    """Results for one model (scalars) or a pack (arrays with K first).

    score: the mean gap, 0..1.
    gaps: (F,) per factor: the lead of the best latent over the second.
    predictability: (M, F) test accuracy of each latent for each factor (squared correlation for
        continuous factors: on the training points, with few labels on the test points).
    factors: names of the F factors; train, test: labelled images used.
    """

    score: Figure
    gaps: Figure
    predictability: Figure
    factors: tuple[str, ...]
    train: int
    test: int


def sap(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    factors: Sequence[str] | None = None,
    continuous_factors: bool = False,
    train: int = 10_000,
    test: int = 5_000,
    C: float = 0.01,
    rescale: bool = False,
) -> SAP:
    """The gap between the two latents that predict a factor best, averaged over factors.

    How well a latent predicts a factor is the test accuracy of a linear support vector machine on
    only that latent (squared hinge, weight `C`, balanced classes, one-vs-rest). For a continuous
    factor it is the squared correlation with its values, as in Kumar et al.; with
    `continuous_factors`, also with the classes of all others. Names and sizes are
    disentanglement_lib's, which trains one scikit-learn LinearSVC at a time; here all are solved
    exactly at once.

    A latent without a rival, because it is the only one or all others are constant, is compared
    with the accuracy of always predicting the most frequent class. With few labels, best and second
    are determined on the training points: among test accuracies, the highest leads by chance.

    rescale: scale each latent to unit variance first. Otherwise, as in disentanglement_lib, the
        penalty affects latents of small scale more, so the score depends on the latents' units.

    Partly labelled images count for the factors they are labelled for. Raises MissingLabels without
    enough labels.
    """
    encoded, (learn, check) = labelled_points(
        represent, data, np.random.default_rng(seed), factors, train=train, test=test
    )
    models, _, latents = learn.means.shape
    matrix, ranking = np.empty((2, models, latents, len(learn.factors)))
    guess = np.zeros(len(learn.factors))
    for f in range(len(learn.factors)):
        values = quantities_of(data).get(learn.factors[f])
        if continuous_factors or values is not None:
            ranking[..., f] = _squared_correlation(*measured(learn, f, values))
            tested = learn.few and values is not None  # else as disentanglement_lib does
            matrix[..., f] = (
                _squared_correlation(*measured(check, f, values)) if tested else ranking[..., f]
            )
        else:
            ranking[..., f], matrix[..., f] = _accuracies(learn, check, f, C, rescale)
            guess[f] = _guess(learn, check, f)
    order = np.argsort(ranking if learn.few else matrix, axis=1, kind="stable")
    best = np.take_along_axis(matrix, order[:, -2:], axis=1)
    varying = np.ptp(learn.means, axis=1).astype(bool).sum(axis=-1)[:, None]
    lead = np.maximum(matrix.max(axis=1) - guess, 0) * varying
    gaps = np.where(varying < 2, lead, best[:, -1] - best[:, 0])
    return SAP(
        score=encoded.figure(gaps.mean(axis=-1)),
        gaps=encoded.figure(gaps),
        predictability=encoded.figure(matrix),
        factors=learn.factors,
        train=len(learn.images),
        test=len(check.images),
    )


def _squared_correlation(means: NDArray[np.float64], values: NDArray) -> NDArray[np.float64]:
    """Squared correlation (K, M) of means (K, n, M) and values (n,); 0 if either is constant."""
    x, y = means - means.mean(axis=1, keepdims=True), values - values.mean()
    covariance = np.einsum("knm,n->km", x, y)
    spread = (x**2).sum(axis=1)
    constant = (spread <= 1e-12 * (len(values) - 1)) | (np.ptp(values) == 0)
    return np.where(constant, 0, covariance**2 / np.where(constant, 1, spread * (y**2).sum()))


def _guess(learn: Points, check: Points, factor: int) -> float:
    """Test accuracy of always predicting the most frequent training class."""
    (_, y), (_, y_test) = learn.of(factor), check.of(factor)
    return float(np.mean(y_test == np.bincount(y).argmax()))


def _accuracies(
    learn: Points, check: Points, factor: int, C: float, rescale: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Training and test accuracy, each (K, M), of the one-latent SVMs for one factor."""
    (x, y), (x_test, y_test) = learn.of(factor), check.of(factor)
    models, _, latents = x.shape
    if rescale:
        spread = x.std(axis=1, keepdims=True)
        spread[spread == 0] = 1
        x, x_test = x / spread, x_test / spread
    seen = np.unique(y)
    weight, bias = fit_machines(
        torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 1))).view(models * latents, -1),
        torch.from_numpy(np.searchsorted(seen, y)),
        C,
    )
    inputs = np.concatenate([x, x_test], axis=1).transpose(0, 2, 1)
    columns = torch.from_numpy(np.ascontiguousarray(inputs)).view(models * latents, -1)
    best = torch.full_like(columns, -torch.inf)
    predicted = torch.zeros_like(columns, dtype=torch.int64)
    for c in range(len(seen)):  # class by class, for two arrays of this size rather than forty
        margin = weight[:, c, None] * columns + bias[:, c, None]
        better = margin > best
        best[better], predicted[better] = margin[better], c
    right = seen[predicted.numpy()] == np.concatenate([y, y_test])
    trained, tested = np.split(right.reshape(models, latents, -1), [len(y)], axis=-1)
    return trained.mean(axis=-1), tested.mean(axis=-1)
