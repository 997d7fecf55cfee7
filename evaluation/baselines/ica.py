"""The baseline `ica`: ten independent components, fitted to every pair of shapes."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.baselines.fitted import Fitted, FittedModel
from evaluation.baselines.moments import blocks, moments
from evaluation.baselines.pca import COMPONENTS, Affine, principal_components
from evaluation.metrics.support.labels import MissingLabels
from trainer.data.dataset import UNKNOWN, Dataset

FACTOR = "shape"
# Higgins et al. do not say from how many components they kept ten. Ten of ten are the rotated
# principal ones, and score 65 to 80 %; the paper's ICA scores 42.03. Ten of more are an arbitrary
# part of a code that becomes more local as it grows: for one pair (24,000 images) the score falls
# from 60 % with 20 components to 41 (30), 39 (50), 34 (100) and 30 (400); chance is 25. So the
# paper most likely kept ten of more, and 30 reproduces the score of Fig. 5. Its ± 10.6 is not
# reproduced: single fits vary by 2.5 points with 30 components, by 9 with 20.
WHITE = 30
MAX_STEPS = 200  # of FastICA, its default
MAX_IMAGES = 32_768  # per fit; all images of a pair take fifteen times as long


def ica(data: Dataset, seeds: Sequence[int]) -> Fitted:
    """Codes (K, n, 10) of every pair of shapes, for K seeds.

    Higgins et al. 2017, A.3 and A.4: fastICA of whitened pixels, keeping the first ten components
    (out of how many: see WHITE). Pixels are whitened over all images of the two shapes, the
    rotation is fitted to at most MAX_IMAGES of them, and all images are scored.

    Raises MissingLabels for a data set without at least two labelled shapes.
    """
    groups = _by_shape(data)
    sums = [moments(data, images) for images in groups]
    models, converged = [], []
    for a, b in combinations(range(len(groups)), 2):
        whiten = principal_components(sums[a] + sums[b], WHITE).whiten
        images = np.concatenate([groups[a], groups[b]])
        subset = np.random.default_rng(0).choice(
            images, min(MAX_IMAGES, len(images)), replace=False
        )
        codes = _codes(whiten, data, np.sort(subset))
        fits = [independent(codes, seed) for seed in seeds]
        kept = np.stack([rotation[:COMPONENTS].T for rotation, _ in fits])
        models.append(FittedModel(Affine(whiten.mean, whiten.weights @ kept), data))
        converged += [done for _, done in fits]
    details = {"whitened": WHITE, "fits": len(converged), "unconverged": converged.count(False)}
    return Fitted(tuple(models), details)


def note(details: Mapping[str, float]) -> str:
    """What readers of the table should know, from the details of a stored fit."""
    message = (
        f"first {COMPONENTS} of {int(details.get('whitened', WHITE))} components, "
        "a number chosen to match the paper's score"
    )
    if details.get("unconverged"):
        message += (
            f"; FastICA did not converge in {int(details['unconverged'])} of "
            f"{int(details['fits'])} fits"
        )
    elif details.get("most_steps", 0) >= MAX_STEPS:  # as stored by earlier versions
        message += "; FastICA did not converge in subset fits"
    return message


def independent(codes: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float64], bool]:
    """The rotation W (M, M) that makes the components of `codes @ W.T` independent, and whether
    the fit converged.

    codes: (n, M), white. W is fitted by scikit-learn's FastICA with its defaults; its convergence
    warning becomes the second value, which is shown in the table of results.
    """
    from sklearn.decomposition import FastICA  # here, as importing it takes seconds
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        fit = FastICA(whiten=False, random_state=seed, max_iter=MAX_STEPS).fit(codes)
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return fit.components_.astype(np.float64), converged


def _by_shape(data: Dataset) -> list[NDArray[np.int64]]:
    """The images of each shape."""
    if FACTOR in data.factors:
        column = data.classes(np.arange(len(data)))[:, list(data.factors).index(FACTOR)]
        groups = [np.flatnonzero(column == c) for c in np.unique(column[column != UNKNOWN])]
        if len(groups) > 1:
            return groups
    raise MissingLabels(
        f"the baseline ica is fitted to pairs of shapes, but '{data.name}' does not have two "
        "labelled shapes; leave ica out of `baselines`"
    )


def _codes(whiten: Affine, data: Dataset, images: NDArray[np.int64]) -> NDArray[np.float32]:
    """The white codes (n, M) of the images at `images`."""
    parts = [whiten(torch.from_numpy(x / data.levels)) for x in blocks(data, images)]
    return torch.cat(parts).numpy()
