"""Scores without labels: how dependent the latents are (Locatello et al. 2019)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.support.encoding import Represent
from evaluation.metrics.support.histograms import discretise, joint_counts, mutual_information
from evaluation.metrics.support.points import Figure, draw_images, encode_sound
from trainer.data.dataset import Dataset


@dataclass(frozen=True)
class Unsupervised:
    """Results for one model (scalars) or a pack (arrays with K first); LOWER is better.

    score, gaussian_total_correlation: nats between a Gaussian with the means' covariance and the
        product of its marginals. Invariant to rescaling latents. Constant latents add nothing; an
        exact copy of a latent adds about 18 nats, the limit of double precision (the true value is
        infinite).
    gaussian_wasserstein_correlation: squared 2-Wasserstein distance between the same two, in
        squared units of the latents.
    gaussian_wasserstein_correlation_norm: the same divided by the total variance; 0 for a constant
        code.
    mutual_info_score: mean mutual information between two latents, in nats, by histograms; 0 for
        one latent.
    points: images used.
    """

    score: Figure
    gaussian_total_correlation: Figure
    gaussian_wasserstein_correlation: Figure
    gaussian_wasserstein_correlation_norm: Figure
    mutual_info_score: Figure
    points: int


def unsupervised(
    represent: Represent, data: Dataset, seed: int = 0, *, points: int = 10_000, bins: int = 20
) -> Unsupervised:
    """disentanglement_lib's unsupervised scores, on the means of random images. No labels are read.

    They measure how independent latents are, not whether they encode factors: noise scores best,
    and so does any whitened code, however rotated (for the Gaussian scores).
    """
    images = draw_images(data, np.random.default_rng(seed), points)
    encoded = encode_sound(represent, data, images)
    means = encoded.means(images)
    covariance = _covariance(means)
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    distance = gaussian_wasserstein_correlation(covariance)
    total = variances.sum(axis=-1)
    correlation = gaussian_total_correlation(covariance)
    return Unsupervised(
        score=encoded.figure(correlation),
        gaussian_total_correlation=encoded.figure(correlation),
        gaussian_wasserstein_correlation=encoded.figure(distance),
        gaussian_wasserstein_correlation_norm=encoded.figure(
            np.where(total > 0, distance / np.where(total > 0, total, 1), 0)
        ),
        mutual_info_score=encoded.figure(_mean_information(means, bins)),
        points=len(images),
    )


def gaussian_total_correlation(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(sum log variances - log det) / 2, (K,), of covariances (K, M, M)."""
    deviation = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    constant = deviation == 0
    scale = np.where(constant, 1, deviation)
    correlation = covariance / (scale[:, :, None] * scale[:, None, :])
    correlation += np.eye(correlation.shape[-1]) * constant[:, None, :]
    eigenvalues = np.linalg.eigvalsh(correlation)
    return -0.5 * np.log(np.maximum(eigenvalues, np.finfo(np.float64).eps)).sum(axis=-1)


def gaussian_wasserstein_correlation(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 tr S - 2 tr (D^½ S D^½)^½, (K,), of covariances S (K, M, M) with diagonals D."""
    deviation = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    product = covariance * (deviation[:, :, None] * deviation[:, None, :])
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0))
    return np.maximum(2 * (deviation**2).sum(axis=-1) - 2 * roots.sum(axis=-1), 0)


def _covariance(means: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = means - means.mean(axis=1, keepdims=True)
    return centred.transpose(0, 2, 1) @ centred / max(means.shape[1] - 1, 1)


def _mean_information(means: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Mean over pairs of latents, (K,), of their mutual information in nats."""
    codes = discretise(means, bins).transpose(0, 2, 1)
    latents = codes.shape[1]
    total = np.zeros(len(codes))
    for first in range(latents - 1):  # one latent against all later ones, for all models
        rest = codes[:, first + 1 :]
        own = np.broadcast_to(codes[:, first, None], rest.shape)
        flat = (-1, codes.shape[2])
        counts = joint_counts(own.reshape(flat), rest.reshape(flat), (bins, bins))
        total += mutual_information(counts).reshape(len(codes), -1).sum(axis=-1)
    return total * 2 / max(latents * (latents - 1), 1)
