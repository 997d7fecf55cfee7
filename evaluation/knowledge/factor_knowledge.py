"""How much a code knows about each factor: held out, above chance, from sampled codes."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.knowledge.predictors import BY_CLASS, BY_NUMBER, Predictor
from evaluation.metrics.support.labels import MissingLabels, read_labels
from evaluation.metrics.support.points import Posterior, encode_posterior
from trainer.data.dataset import UNKNOWN, Dataset, numbers_of

POINTS = 2_400  # labelled images, at most: bounds the time, about 0.1 s per factor and model
_MANY = 1_000  # from this many images on, half of them train and the other half tests
_FOLDS = 3  # below that, cross-validation with this many folds


@dataclass(frozen=True)
class FactorKnowledge:
    """Results for K models, arrays with K first; from 0 (chance) to 1.

    known: (K, F) how well extremely randomised trees predict each factor from the whole code.
    best_latent: (K, F) the same for the best single latent, by a table of its values; latent: (K,
        F) which one that is.
    factors: names of the F factors with enough labels.
    """

    known: NDArray[np.float64]
    best_latent: NDArray[np.float64]
    latent: NDArray[np.int64]
    factors: tuple[str, ...]

    def of_model(self, model: int) -> dict[str, dict[str, Any]]:
        """As in "factors" of result.json."""
        return {
            name: {
                "known": float(self.known[model, f]),
                "best_latent": float(self.best_latent[model, f]),
                "latent": int(self.latent[model, f]),
            }
            for f, name in enumerate(self.factors)
        }


def factor_knowledge(posterior: Posterior, data: Dataset, seed: int = 0) -> FactorKnowledge | None:
    """What each model of a pack knows about each factor; None without sufficient labels.

    Codes are samples of q(z|x), since means of barely used latents contain what samples do not.
    Knowledge is balanced accuracy, the mean over classes of the share predicted correctly, as lift:
    (accuracy - 1/C) / (1 - 1/C) for C classes, so an unbalanced factor cannot be guessed. Of a
    factor that is read as a number (`numbers_of`) it is the share of the variance of its classes
    that is predicted. Anything within two standard errors of chance counts as 0, so that noise does
    not pass for knowledge with few labels. Classes with a single labelled image are left out, but
    not of numbers. The best latent is chosen on other images than those on which it is measured.

    posterior: images -> (mu, logvar), each (K, n, M). All models get the same noise.
    """
    try:
        labels = read_labels(data)
    except MissingLabels:
        return None
    rng = np.random.default_rng([seed, 0x6B6E6F77])
    images = np.flatnonzero((labels.classes != UNKNOWN).any(axis=1))
    if len(images) > POINTS:
        images = np.sort(rng.choice(images, POINTS, replace=False))
    _, mu, logvar = encode_posterior(posterior, data, images)
    z = mu + np.exp(0.5 * np.clip(logvar, -60, 60)) * rng.standard_normal(mu.shape[1:])
    columns, names, numbers = [], [], numbers_of(data)
    for name in labels.factors:
        predictor = BY_NUMBER if name in numbers else BY_CLASS
        found = _read(predictor, z, labels.column(name)[images], rng)
        if found is not None:
            columns.append(found)
            names.append(name)
    if not names:
        return None
    known, best, latent = (np.stack(parts, axis=-1) for parts in zip(*columns, strict=True))
    return FactorKnowledge(known, best, latent.astype(np.int64), tuple(names))


def _read(
    predictor: Predictor,
    z: NDArray[np.float64],
    classes: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]] | None:
    """known, best_latent, latent, each (K,), from codes (K, n, M); None where no class repeats."""
    kept = classes != UNKNOWN
    if predictor is BY_CLASS:
        kept[kept] = np.bincount(classes[kept])[classes[kept]] >= 2
    if len(np.unique(classes[kept])) < 2:
        return None
    z, y = z[:, kept], np.unique(classes[kept], return_inverse=True)[1]
    folds = _folds(y, rng)
    tested = folds >= 0
    by_trees, by_latent = _held_out(predictor, z, y, folds, int(rng.integers(2**31)))
    by_trees, by_latent, y = by_trees[:, tested], by_latent[..., tested], y[tested]
    known = np.array([predictor.known(predicted, y) for predicted in by_trees])
    best, latent = np.zeros(len(z)), np.zeros(len(z), np.int64)
    part = _alternating(y)
    for model, rows in enumerate(by_latent):  # (M, n)
        latent[model] = np.argmax([predictor.accuracy(row, y) for row in rows])
        chosen = np.empty(len(y))
        for half in (0, 1):
            others, mine = part != half, part == half
            first = np.argmax([predictor.accuracy(row[others], y[others]) for row in rows])
            chosen[mine] = rows[first, mine]
        best[model] = predictor.known(chosen, y)
    return known, best, latent


def _folds(y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The fold (n,) that each image is tested in, classes spread evenly; -1 for training only."""
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    folds = np.empty(len(y), np.int64)
    if len(y) >= _MANY:
        folds[order] = np.arange(len(y)) % 2 - 1
    else:
        folds[order] = np.arange(len(y)) % min(_FOLDS, len(y))
    return folds


def _held_out(
    predictor: Predictor,
    z: NDArray[np.float64],
    y: NDArray[np.int64],
    folds: NDArray[np.int64],
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictions for held-out images, by the trees (K, n) and by each latent (K, M, n)."""
    models, n, latents = z.shape
    by_trees, by_latent = np.full((models, n), -1.0), np.full((models, latents, n), -1.0)

    def predict(model: int, test: NDArray[np.bool_], learn: NDArray[np.bool_]) -> None:
        trees = predictor.trees(seed)
        trees.fit(z[model, learn], y[learn])
        by_trees[model, test] = trees.predict(z[model, test])
        for m in range(latents):
            column = z[model, :, m]
            by_latent[model, m, test] = predictor.by_table(column[learn], y[learn], column[test])

    # trees grow outside the GIL, and a pack on a GPU has dozens of models
    with ThreadPoolExecutor(torch.get_num_threads()) as pool, warnings.catch_warnings():
        # scikit-learn suspects that classes of which each has few images are numbers
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        for fold in range(folds.max() + 1):
            test = folds == fold
            list(pool.map(lambda model: predict(model, test, ~test), range(models)))  # noqa: B023
    return by_trees, by_latent


def _alternating(y: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 or 1 for each of the images (n,), in turn within each class."""
    part = np.empty(len(y), np.int64)
    part[np.argsort(y, kind="stable")] = np.arange(len(y)) % 2
    return part
