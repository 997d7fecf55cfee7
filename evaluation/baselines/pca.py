"""The baseline `pca`: the first ten principal components of the pixels, whitened."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import Tensor

from evaluation.baselines.fitted import Fitted, FittedModel
from evaluation.baselines.moments import Moments, moments
from trainer.data.dataset import Dataset

COMPONENTS = 10  # Higgins et al. 2017, A.4


@dataclass(frozen=True)
class Affine:
    """Codes (x - mean) @ weights of images x, as float32.

    mean: (pixels,). weights: (pixels, M) of one model, or (K, pixels, M).
    """

    mean: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __call__(self, images: Tensor) -> Tensor:
        """Codes (n, M), or (K, n, M), of images (n, C, H, W)."""
        mean, weights = (torch.from_numpy(a).float() for a in (self.mean, self.weights))
        return (images.flatten(1) - mean.to(images.device)) @ weights.to(images.device)


@dataclass(frozen=True)
class Components:
    """Principal components of images.

    whiten: to codes (n, M) with mean 0 and variance 1, the component with the largest variance
        first.
    explained: share of the pixels' variance that they explain together.
    """

    whiten: Affine
    explained: float


def principal_components(pixels: Moments, number: int = COMPONENTS) -> Components:
    """The first `number` principal components, with scikit-learn's signs."""
    covariance = pixels.covariance
    variance = float(np.trace(covariance))
    last = len(covariance) - 1
    values, vectors = eigh(
        covariance,
        lower=True,
        subset_by_index=(last - number + 1, last),
        overwrite_a=True,
        check_finite=False,
    )
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(number)])
    whiten = Affine(pixels.mean, vectors / np.sqrt(values))
    return Components(whiten, float(values.sum()) / variance)


def pca(data: Dataset, seeds: Sequence[int]) -> Fitted:
    """Codes (n, 10) from the covariance of all images (Higgins et al. 2017, A.3).

    "Whitened pixel data" is taken to mean scikit-learn's `PCA(whiten=True)`. It makes no difference
    here, as the metric is invariant to rescaling a dimension of the code.
    """
    components = principal_components(moments(data, np.arange(len(data))))
    return Fitted((FittedModel(components.whiten, data),), {"explained": components.explained})
