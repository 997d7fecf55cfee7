"""How much a code knows about each factor: held out, above chance, from sampled codes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.support.labels import MissingLabels, read_labels
from evaluation.metrics.support.points import Posterior, encode_posterior
from trainer.data.dataset import UNKNOWN, Dataset

POINTS = 2_400  # labelled images, at most: bounds the time, about 0.1 s per factor and model
_MANY = 1_000  # from this many images on, half of them train and the other half tests
_FOLDS = 3  # below that, cross-validation with this many folds
_TREES = 10
_SURE = 2.0  # standard errors above chance; less does not count as known
_PER_BIN, _MAX_BINS = 15, 40  # of the values of a single latent


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
    (accuracy - 1/C) / (1 - 1/C) for C classes, so an unbalanced factor cannot be guessed. Anything
    within two standard errors of chance counts as 0, so that noise does not pass for knowledge with
    few labels. Classes with a single labelled image are left out. The best latent is chosen on
    other images than those on which it is measured.

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
    columns, names = [], []
    for name in labels.factors:
        found = _read(z, labels.column(name)[images], rng)
        if found is not None:
            columns.append(found)
            names.append(name)
    if not names:
        return None
    known, best, latent = (np.stack(parts, axis=-1) for parts in zip(*columns, strict=True))
    return FactorKnowledge(known, best, latent.astype(np.int64), tuple(names))


def _read(
    z: NDArray[np.float64], classes: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]] | None:
    """known, best_latent, latent, each (K,), from codes (K, n, M); None where no class repeats."""
    kept = classes != UNKNOWN
    kept[kept] = np.bincount(classes[kept])[classes[kept]] >= 2
    if len(np.unique(classes[kept])) < 2:
        return None
    z, y = z[:, kept], np.unique(classes[kept], return_inverse=True)[1]
    folds = _folds(y, rng)
    tested = folds >= 0
    predicted, single = _held_out(z, y, folds, int(rng.integers(2**31)))
    right, right_single = (predicted == y)[:, tested], (single == y)[..., tested]
    y = y[tested]
    known = np.array([_lift(row, y) for row in right])
    best, latent = np.zeros(len(z)), np.zeros(len(z), np.int64)
    part = _alternating(y)
    for model, rows in enumerate(right_single):  # (M, n)
        latent[model] = np.argmax([_accuracy(row, y) for row in rows])
        chosen = np.empty(len(y), bool)
        for half in (0, 1):
            others, mine = part != half, part == half
            first = np.argmax([_accuracy(row[others], y[others]) for row in rows])
            chosen[mine] = rows[first, mine]
        best[model] = _lift(chosen, y)
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
    z: NDArray[np.float64], y: NDArray[np.int64], folds: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes predicted for held-out images, by the trees (K, n) and by each latent (K, M, n)."""
    from sklearn.ensemble import ExtraTreesClassifier  # here, as importing it takes seconds

    models, n, latents = z.shape
    predicted, single = np.full((models, n), -1), np.full((models, latents, n), -1)

    def predict(model: int, test: NDArray[np.bool_], learn: NDArray[np.bool_]) -> None:
        trees = ExtraTreesClassifier(
            _TREES, max_features=None, class_weight="balanced", random_state=seed
        )
        trees.fit(z[model, learn], y[learn])
        predicted[model, test] = trees.predict(z[model, test])
        for m in range(latents):
            column = z[model, :, m]
            single[model, m, test] = _by_table(column[learn], y[learn], column[test])

    # trees grow outside the GIL, and a pack on a GPU has dozens of models
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for fold in range(folds.max() + 1):
            test = folds == fold
            list(pool.map(lambda model: predict(model, test, ~test), range(models)))  # noqa: B023
    return predicted, single


def _by_table(
    values: NDArray[np.float64], y: NDArray[np.int64], queries: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The class of each of `queries` (n,): the most likely one in its bin of `values`.

    Bins contain equally many training values; classes have equal weight, however frequent.
    """
    bins = int(np.clip(len(values) // _PER_BIN, 2, _MAX_BINS))
    edges = np.quantile(values, np.arange(1, bins) / bins)
    cell = np.searchsorted(edges, values, side="right") * (y.max() + 1) + y
    counts = np.bincount(cell, minlength=bins * (y.max() + 1)).reshape(bins, -1)
    likely = (counts / np.maximum(counts.sum(axis=0), 1)).argmax(axis=1)
    return likely[np.searchsorted(edges, queries, side="right")]


def _alternating(y: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 or 1 for each of the images (n,), in turn within each class."""
    part = np.empty(len(y), np.int64)
    part[np.argsort(y, kind="stable")] = np.arange(len(y)) % 2
    return part


def _accuracy(right: NDArray[np.bool_], y: NDArray[np.int64]) -> float:
    """Accuracy averaged over the classes that occur."""
    counts = np.bincount(y)
    return float(np.mean(np.bincount(y, right)[counts > 0] / counts[counts > 0]))


def _lift(right: NDArray[np.bool_], y: NDArray[np.int64]) -> float:
    """Balanced accuracy above chance, 0 to 1; 0 where compatible with chance."""
    counts = np.bincount(y)
    counts = counts[counts > 0]
    chance = 1 / len(counts)
    error = np.sqrt(chance * (1 - chance) * np.sum(1 / counts)) / len(counts)
    above = _accuracy(right, y) - chance
    return float(np.clip(above / (1 - chance), 0, 1)) if above > _SURE * error else 0.0
