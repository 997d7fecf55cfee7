"""Information of single latents, above chance: noise knows nothing, a true code everything."""

import numpy as np
import pytest

from evaluation.metrics.support.histograms import share_above_chance
from evaluation.metrics.support.points import labelled_points
from tests.evaluation.metrics.labelled import Labelled, code, some_labels, standardised

SIZES = (2, 4, 6)


def shares(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(M, F) of one code."""
    rng = np.random.default_rng(0)
    _, (points,) = labelled_points(code(values), Labelled(labels), rng, None, points=10_000)
    return share_above_chance(points)[0]


@pytest.mark.parametrize("images", [20, 60, 1000])
def test_noise_knows_nothing_and_a_true_code_everything(images: int) -> None:
    noise = np.random.default_rng(0)
    found = []
    for seed in range(4):
        labels = some_labels(images, SIZES, seed)
        values = np.hstack([standardised(labels), noise.normal(size=(images, 8))])
        found.append(shares(values, labels))
    of_noise, of_truth = np.stack(found)[:, 3:], np.stack(found)[:, :3]
    assert of_noise.mean() < 0.01  # 0.2 to 0.6 without the correction for 20 images
    assert np.diagonal(of_truth, axis1=1, axis2=2).mean() > 0.99


def test_half_of_the_labels_missing_changes_nothing() -> None:
    labels = some_labels(400, SIZES, 0)
    values = standardised(labels)
    labels[::2, 1] = -1
    assert np.diagonal(shares(values, labels)).min() > 0.99


def test_a_factor_with_a_class_per_image_cannot_be_known() -> None:
    labels = some_labels(30, (3, 3), 0)
    labels[:28, 1] = np.arange(28)
    found = shares(np.random.default_rng(0).normal(size=(30, 10)), labels)
    assert found[:, 1].max() < 0.3


def test_a_constant_latent_knows_nothing() -> None:
    labels = some_labels(50, (2, 3), 0)
    assert not shares(np.ones((50, 2)), labels).any()
