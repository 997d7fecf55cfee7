"""Modularity and explicitness (Ridgeway & Mozer 2018): one factor per latent, easy to read out."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.histograms import factor_information
from evaluation.metrics.support.points import Figure, Points, labelled_points
from trainer.data.dataset import Dataset


@dataclass(frozen=True)
class Modularity:
    """Results for one model (scalars) or a pack (arrays with K first), all in 0..1.

    score: modularity: 1 when every latent is informative about at most one factor.
    explicitness: test area under the ROC curve of a logistic regression from all latents to each
        factor, averaged over classes, then factors; 0.5 is chance. This is disentanglement_lib's
        definition; Ridgeway & Mozer report twice its excess over chance.
    explicitness_train: the same on the training points.
    explicitness_per_factor: (F,).
    information: (M, F) I(mu_j; v_k) in nats.
    factors: names of the F factors; train, test: labelled images used.
    """

    score: Figure
    explicitness: Figure
    explicitness_train: Figure
    explicitness_per_factor: Figure
    information: Figure
    factors: tuple[str, ...]
    train: int
    test: int


def modularity(
    represent: Represent,
    data: Dataset,
    seed: int = 0,
    *,
    factors: Sequence[str] | None = None,
    train: int = 10_000,
    test: int = 5_000,
    bins: int = 20,
) -> Modularity:
    """Modularity and explicitness (Ridgeway & Mozer 2018), with disentanglement_lib's sizes.

    Modularity comes from the information between means, cut into `bins`, and factors: a latent is
    penalised by its squared information about any factor but its first. Two latents that share a
    factor are not penalised, so duplicated codes stay perfect. Constant latents do not count;
    chance information between noise and factors, which is never exactly 0, gives useless latents
    arbitrary scores (a known weakness, measured by the score's floor).

    Explicitness is computed on standardised means, so it does not depend on the latents' scale; it
    is invariant to rotations of the code. Partly labelled images count for the factors they are
    labelled for. Raises MissingLabels without enough labels of at least two factors.
    """
    rng = np.random.default_rng(seed)
    encoded, (learn, check) = labelled_points(
        represent, data, rng, factors, several=True, train=train, test=test
    )
    varying = np.ptp(learn.means, axis=1) > 0
    information = factor_information(learn, bins)
    areas = np.empty((2, len(learn.means), len(learn.factors)))
    with threadpool_limits(1):  # such small products are slower on more threads
        for k, f in np.ndindex(*areas.shape[1:]):
            areas[:, k, f] = _areas(learn, check, k, f)
    return Modularity(
        score=encoded.figure(modularity_of(information, varying)),
        explicitness=encoded.figure(areas[1].mean(axis=-1)),
        explicitness_train=encoded.figure(areas[0].mean(axis=-1)),
        explicitness_per_factor=encoded.figure(areas[1]),
        information=encoded.figure(information),
        factors=learn.factors,
        train=len(learn.images),
        test=len(check.images),
    )


def modularity_of(
    information: NDArray[np.float64], varying: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mean over latents, (K,), of 1 - (sum I² - max I²) / ((F - 1) max I²) from I (K, M, F).

    varying: (K, M), the latents that count; a model without any scores 0.
    """
    squared = information**2
    best = squared.max(axis=-1)
    others = (squared.sum(axis=-1) - best) / (squared.shape[-1] - 1)
    each = np.where(best > 0, 1 - others / np.where(best > 0, best, 1), 0) * varying
    return each.sum(axis=-1) / np.maximum(varying.sum(axis=-1), 1)


def _areas(learn: Points, check: Points, model: int, factor: int) -> tuple[float, float]:
    """Areas under the ROC curve, training and test, of one model for one factor."""
    from sklearn.exceptions import ConvergenceWarning  # here, as importing it takes seconds
    from sklearn.linear_model import LogisticRegression

    (x, y), (x_test, y_test) = learn.of(factor), check.of(factor)
    centre, spread = x[model].mean(axis=0), x[model].std(axis=0)
    spread[spread == 0] = 1
    inputs, test_inputs = (x[model] - centre) / spread, (x_test[model] - centre) / spread
    with warnings.catch_warnings():  # 100 iterations is the usual protocol
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier = LogisticRegression().fit(inputs, y)
    seen = classifier.classes_
    return (
        _mean_area(classifier.predict_proba(inputs), y, seen),
        _mean_area(classifier.predict_proba(test_inputs), y_test, seen),
    )


def _mean_area(
    probability: NDArray[np.float64], y: NDArray[np.int64], classes: NDArray[np.int64]
) -> float:
    """Mean one-vs-rest area over classes that occur but are not all of y; 0.5 for none.

    From the rank sum of each class, for all classes at once; scikit-learn's roc_auc_score computes
    one at a time.
    """
    from scipy.stats import rankdata

    own = y[:, None] == classes
    size = own.sum(axis=0)
    usable = (size > 0) & (size < len(y))
    if not usable.any():
        return 0.5
    own, size = own[:, usable], size[usable]
    ranks = rankdata(probability[:, usable], axis=0)
    ahead = (ranks * own).sum(axis=0) - size * (size + 1) / 2  # pairs in the right order
    return float(np.mean(ahead / (size * (len(y) - size))))
