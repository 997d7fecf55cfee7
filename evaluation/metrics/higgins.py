"""The disentanglement metric of beta-VAE: which factor did the images of every pair share?"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluation.metrics.support import softmax
from evaluation.metrics.support.encoding import Codes, Represent, encode
from evaluation.metrics.support.halves import Halves, labelled_halves
from evaluation.metrics.support.labels import Labels, read_labels
from evaluation.metrics.support.pairs import as_few_pairs, draw_pairs, mean_differences
from trainer.config.schema import FieldError, lookup
from trainer.data.dataset import Dataset

# (features (S, K, points, M), factor numbers (S, points), training points, factors, seed) -> (K, S)
Classify = Callable[[Tensor, Tensor, int, int, int], NDArray[np.float64]]


@dataclass(frozen=True)
class Higgins:
    """Accuracy of a linear classifier that predicts from z_diff which factor was shared; 1 is best.

    score: mean of `scores`; a float, or (K,) for a pack; NaN for a model with non-finite means.
    scores: test accuracy of each classifier seed, (S,), or (K, S) for a pack.
    chance: accuracy of guessing, 1 / number of factors.
    factors: the names that y ranges over. pairs: L. train, test: number of points for each.
    images: how many distinct labelled images were used, each encoded once.
    """

    score: "float | NDArray[np.float64]"
    scores: "float | NDArray[np.float64]"
    chance: float
    protocol: str
    factors: tuple[str, ...]
    pairs: int
    train: int
    test: int
    images: int


def higgins(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    protocol: Literal["paper", "dlib"] = "paper",
    factors: Sequence[str] | None = None,
    pairs: int | None = None,
    train: int | None = None,
    test: int | None = None,
    images: int = 65_536,
) -> Higgins:
    """Higgins et al. 2017, Sec. 3 and A.4, Eq. 5.

    A point is z_diff, the mean over L pairs of images of |mu_i - mu_j|, where the images of all L
    pairs share the class of factor y; a linear classifier has to predict y. Few labels are enough:
    i is drawn from the images labelled for y, j from the others in its class, so that only pairs
    that agree in one known factor are needed, never an image with chosen factors. Each classifier
    learns from one half of the labelled images and is tested on the other half: points made from
    the same few images are similar whatever the code, and noise would score 1.00 with 20 labels.

    protocol "paper": y is any factor but `shape`; softmax classifier, Adagrad at 1e-2 to
        convergence, 5,000 test points, three seeds, each with its own points and initial weights.
        The dimensions of z_diff are standardised, so the score is invariant to rescaling latents.
        The paper gives neither L nor the number of training points: L = 18 and 5,000 reproduce its
        Fig. 5 for raw pixels and principal components (see PAPER below). protocol "dlib":
        disentanglement_lib's. y is any factor; L = 64, 10,000 training and 5,000 test points, one
        scikit-learn LogisticRegression with its defaults on unscaled z_diff. Its penalty depends on
        the scale of the latents, so scores of models that differ in beta are hard to compare.
    factors: names that y ranges over instead.
    pairs, train, test: L and the numbers of points instead.
    images: at most this many labelled images, drawn once, are used in the pairs; bounds time and
        memory.

    Raises MissingLabels when the labels do not give pairs for at least two factors, FieldError for
    an unknown protocol or an invalid number.
    """
    chosen = lookup(PROTOCOLS, protocol, "protocol")
    pairs = chosen.pairs if pairs is None else pairs
    train = chosen.train if train is None else train
    test = chosen.test if test is None else test
    for name, number in (("pairs", pairs), ("train", train), ("test", test), ("images", images)):
        if number < 1:
            raise FieldError(f"expected 1 or more, got {number}", (name,))
    labels, splits = pairs_apart(data, seed, protocol, factors, images)
    draws = [
        _draw(halves, train, test, pairs, np.random.default_rng([seed, 1 + number]))
        for number, halves in enumerate(splits)
    ]
    codes = encode(represent, data, np.concatenate([part for _, *both in draws for part in both]))
    codes, finite = _without_non_finite(codes)
    points = torch.stack([mean_differences(codes, i, j) for _, i, j in draws])
    y = torch.from_numpy(np.stack([y for y, _, _ in draws])).to(points.device)
    scores = chosen.classify(points, y, train, len(labels.factors), seed)
    scores[~finite] = np.nan
    return Higgins(
        score=codes.collapse(scores.mean(axis=1)),
        scores=codes.collapse(scores),
        chance=1 / len(labels.factors),
        protocol=protocol,
        factors=labels.factors,
        pairs=pairs,
        train=train,
        test=test,
        images=len(codes.images),
    )


def pairs_apart(
    data: Dataset,
    seed: int = 0,
    protocol: str = "paper",
    factors: Sequence[str] | None = None,
    images: int = 65_536,
) -> tuple[Labels, list[Halves]]:
    """The labels to use, and for each classifier the halves that its pairs come from.

    Options as for `higgins`. Raises MissingLabels when the labels do not suffice for it.
    """
    chosen = lookup(PROTOCOLS, protocol, "protocol")
    labels = read_labels(data, factors, chosen.leave_out)
    return labels, labelled_halves(labels, chosen.classifiers, images, seed)


def _draw(
    halves: Halves, train: int, test: int, pairs: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """y, i and j from `draw_pairs`: training points, then test points from other images."""
    learnt = draw_pairs(as_few_pairs(halves.learn, rng), train, pairs, rng)
    tested = draw_pairs(as_few_pairs(halves.test, rng), test, pairs, rng)
    y, i, j = (np.concatenate(both) for both in zip(learnt, tested, strict=True))
    return y, i, j


def _without_non_finite(codes: Codes) -> tuple[Codes, NDArray[np.bool_]]:
    """The codes, with 0 for models with NaN or infinity, and which models (K,) are finite."""
    finite = codes.tensor.isfinite().all(dim=2).all(dim=1)
    if not finite.all():
        tensor = codes.tensor.clone()
        tensor[~finite] = 0
        codes = Codes(codes.images, tensor, codes.single)
    return codes, finite.cpu().numpy()


def _adagrad(points: Tensor, y: Tensor, train: int, factors: int, seed: int) -> NDArray[np.float64]:
    """The paper's classifier; all seeds of all models are trained as one batch of problems."""
    seeds, models, _, latents = points.shape
    flat, y = points.flatten(0, 1), y.repeat_interleave(models, dim=0)
    x, x_test = softmax.standardise(flat[:, :train], flat[:, train:])
    generators = [torch.Generator().manual_seed(seed * seeds + number) for number in range(seeds)]
    start = torch.stack([softmax.initial_weights(latents + 1, factors, g) for g in generators])
    start = start.to(x.device).repeat_interleave(models, dim=0)
    weights = softmax.fit(x, y[:, :train], start)
    scores = softmax.accuracy(x_test, y[:, train:], weights)
    return scores.view(seeds, models).T.cpu().numpy()


def _logistic_regression(
    points: Tensor, y: Tensor, train: int, factors: int, seed: int
) -> NDArray[np.float64]:
    """disentanglement_lib's classifier, model by model."""
    from sklearn.exceptions import ConvergenceWarning  # here, as importing it takes seconds
    from sklearn.linear_model import LogisticRegression

    classes = y[0].cpu().numpy()
    scores = []
    for x in points[0].cpu().double().numpy():  # float64, as scikit-learn computes
        with warnings.catch_warnings():  # its defaults stop after 100 iterations, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier = LogisticRegression(random_state=seed).fit(x[:train], classes[:train])
        scores.append([classifier.score(x[train:], classes[train:])])
    return np.array(scores)


@dataclass(frozen=True)
class Protocol:
    """What a protocol fixes: L, the numbers of points and classifiers, factors left out."""

    pairs: int
    train: int
    test: int
    classifiers: int
    leave_out: tuple[str, ...]
    classify: Classify


# On dSprites this gives raw pixels 45.1 % (Fig. 5: 45.75) and the first ten principal components
# 86.6 % (84.9). For the components L = 16, 20 and 64 give 85.8, 87.7 and 94.5 %, and whether the
# pairs come from 20,000, 65,536 or 300,000 of the images matters less than the seed (86.4,
# 86.6, 86.3). The number of training points matters to raw pixels, where 4,096 features overfit.
PAPER = Protocol(18, 5_000, 5_000, 3, ("shape",), _adagrad)
DLIB = Protocol(64, 10_000, 5_000, 1, (), _logistic_regression)
PROTOCOLS: dict[str, Protocol] = {"paper": PAPER, "dlib": DLIB}
