"""DCI: disentanglement, completeness, informativeness (Eastwood & Williams 2018), by trees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.points import Figure, Points, labelled_points, measured
from trainer.config.schema import lookup
from trainer.data.dataset import Dataset, quantities_of

Protocol = Literal["trees", "dlib"]


@dataclass(frozen=True)
class DCI:
    """Results for one model (scalars) or a pack (arrays with K first), all in 0..1.

    score, disentanglement: 1 when every latent that matters matters for one factor.
    completeness: 1 when every factor is captured by one latent.
    informativeness: test accuracy of predicting the factors' classes, averaged over factors; for a
        continuous factor the explained share of its variance, R² or 0;
        informativeness_train: the same on the training points.
    informativeness_per_factor: (F,) test accuracy for each; chance_per_factor: (F,) accuracy of
        always predicting the most frequent training class.
    importance: (M, F) share of each latent in predicting each factor; columns sum to 1, or 0 when
        no latent helps.
    protocol, factors, train, test: as used; numbers of labelled images.
    """

    score: Figure
    disentanglement: Figure
    completeness: Figure
    informativeness: Figure
    informativeness_train: Figure
    informativeness_per_factor: Figure
    chance_per_factor: tuple[float, ...]
    importance: Figure
    protocol: str
    factors: tuple[str, ...]
    train: int
    test: int


def _extra_trees(seed: int, continuous: bool) -> Any:
    # here, as importing it takes seconds
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    # every split may use every latent: with a random subset, useless latents get splits
    # for lack of better ones, and undeserved importance
    trees = ExtraTreesRegressor if continuous else ExtraTreesClassifier
    return trees(
        n_estimators=10,
        max_depth=10,
        max_features=None,
        random_state=seed,
        n_jobs=torch.get_num_threads(),
    )


def _gradient_boosting(seed: int, continuous: bool) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    trees = GradientBoostingRegressor if continuous else GradientBoostingClassifier
    return trees(random_state=seed)


# (seed, whether the factor is continuous) -> a predictor of it
PROTOCOLS: dict[str, Callable[[int, bool], Any]] = {
    "trees": _extra_trees,
    "dlib": _gradient_boosting,
}


def dci(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    protocol: Protocol = "trees",
    factors: Sequence[str] | None = None,
    train: int = 10_000,
    test: int = 5_000,
) -> DCI:
    """Disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2).

    A classifier from all latents to each factor (for a continuous one a regressor to its values)
    gives the importance of each latent; entropies of the importances, over factors and over
    latents, measure how disentangled and how complete the code is.

    protocol: "dlib" is disentanglement_lib's, scikit-learn's gradient boosting with its defaults,
        which takes minutes per model. "trees", the default, takes about a second: ten extremely
        randomised trees whose depth of 10 brings their results close to it: disentanglement and
        completeness of 0.64 and 0.61 by both on a noisy code of 10 latents, 0.15 and 0.22 against
        0.20 and 0.25 on a rotated one. Compare published tables with "dlib" only.

    With few labels, a factor whose test accuracy is within two standard errors of chance has its
    importances spread evenly: uninformative trees assign them to latents that fit by chance.

    Invariant to rescaling latents. Partly labelled images count for the factors they are labelled
    for. Raises MissingLabels without enough labels of two factors or more.
    """
    classifier = lookup(PROTOCOLS, protocol, "protocol of dci")
    rng = np.random.default_rng(seed)
    encoded, (learn, check) = labelled_points(
        represent, data, rng, factors, several=True, train=train, test=test
    )
    tree_seeds = rng.integers(2**31, size=len(learn.factors))  # shared by the models of a pack
    importance = np.empty((len(learn.means), learn.means.shape[-1], len(learn.factors)))
    accuracy = np.empty((2, len(learn.means), len(learn.factors)))
    for k, f in np.ndindex(*accuracy.shape[1:]):
        values = quantities_of(data).get(learn.factors[f])
        trees = classifier(int(tree_seeds[f]), values is not None)
        importance[k, :, f], accuracy[:, k, f] = _predict(trees, learn, check, k, f, values)
    chances = [
        _chance(learn, check, f, factor in quantities_of(data))
        for f, factor in enumerate(learn.factors)
    ]
    if learn.few:
        predictable = accuracy[1] > np.array([chance + 2 * error for chance, error in chances])
        varying = np.ptp(learn.means, axis=1) > 0
        even = varying / np.maximum(varying.sum(axis=-1, keepdims=True), 1)
        importance = np.where(predictable[:, None], importance, even[..., None])
    disentangled = disentanglement(importance)
    return DCI(
        score=encoded.figure(disentangled),
        disentanglement=encoded.figure(disentangled),
        completeness=encoded.figure(completeness(importance)),
        informativeness=encoded.figure(accuracy[1].mean(axis=-1)),
        informativeness_train=encoded.figure(accuracy[0].mean(axis=-1)),
        informativeness_per_factor=encoded.figure(accuracy[1]),
        chance_per_factor=tuple(chance for chance, _ in chances),
        importance=encoded.figure(importance),
        protocol=protocol,
        factors=learn.factors,
        train=len(learn.images),
        test=len(check.images),
    )


def disentanglement(importance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) from importances (K, M, F): 1 - entropy over factors, averaged over latents."""
    return _concentration(importance, over=2)


def completeness(importance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) from importances (K, M, F): 1 - entropy over latents, averaged over factors."""
    return _concentration(importance, over=1)


def _concentration(importance: NDArray[np.float64], over: int) -> NDArray[np.float64]:
    """1 - entropy along axis `over`, to the base of its length; mean weighted by importance."""
    from scipy.stats import entropy

    if importance.shape[over] == 1:
        return np.ones(len(importance))
    each = 1 - entropy(importance + 1e-11, base=importance.shape[over], axis=over)
    total = importance.sum(axis=over)
    weight = np.where(total.sum(axis=-1, keepdims=True) > 0, total, 1.0)
    return (each * weight).sum(axis=-1) / weight.sum(axis=-1)


def _chance(
    learn: Points, check: Points, factor: int, continuous: bool = False
) -> tuple[float, float]:
    """Test accuracy of always predicting the most frequent training class, and its standard error.

    For a continuous factor 0, the variance explained by its mean; the error is that of a squared
    correlation with noise.
    """
    (_, y), (_, y_test) = learn.of(factor), check.of(factor)
    if continuous:
        return 0.0, 2**0.5 / max(len(y_test) - 1, 1)
    chance = float(np.mean(y_test == np.bincount(y).argmax()))
    variance = max(chance * (1 - chance), 1 / len(y_test))  # not 0 where all or none belong to it
    return chance, (variance / len(y_test)) ** 0.5


def _predict(
    trees: Any,
    learn: Points,
    check: Points,
    model: int,
    factor: int,
    values: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Importances (M,), then training and test accuracy, of one model for one factor.

    values: (N,) of a continuous factor, for which R² (at least 0) replaces accuracy.
    """
    measure = _accuracy if values is None else _explained
    (x, y), (x_test, y_test) = (measured(points, factor, values) for points in (learn, check))
    trees.fit(x[model], y)
    return trees.feature_importances_, (
        measure(trees.predict(x[model]), y),
        measure(trees.predict(x_test[model]), y_test),
    )


def _accuracy(predicted: NDArray, true: NDArray) -> float:
    return float(np.mean(predicted == true))


def _explained(predicted: NDArray, true: NDArray) -> float:
    """The explained share of the variance; 0 if predictions are worse than the mean."""
    spread = float(((true - true.mean()) ** 2).sum())
    return max(0.0, 1 - float(((predicted - true) ** 2).sum()) / spread) if spread else 0.0
