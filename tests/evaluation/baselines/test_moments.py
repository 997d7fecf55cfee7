"""Moments in blocks equal those of all pixels at once, for bits and for bytes."""

import numpy as np
import pytest

from evaluation.baselines import moments as module
from evaluation.baselines.moments import moments
from tests.evaluation.baselines.sprites import few_sprites
from tests.evaluation.metrics.toys import SMALL, Toy


@pytest.mark.parametrize("data", [few_sprites(), Toy(SMALL)], ids=["bits", "bytes"])
def test_equal_to_numpys_mean_and_covariance(data, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 50)
    images = np.arange(0, len(data), 3)
    found = moments(data, images)
    pixels = data.images(images).reshape(len(images), -1).astype(np.float64) / data.levels
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), atol=1e-7)
    expected = np.tril(np.cov(pixels, rowvar=False))
    np.testing.assert_allclose(np.tril(found.covariance), expected, atol=1e-6)


def test_binary_sums_are_exact():
    data = few_sprites()
    pixels = data.images(np.arange(len(data))).reshape(len(data), -1).astype(np.int64)
    found = moments(data, np.arange(len(data)))
    np.testing.assert_array_equal(np.tril(found.second), np.tril(pixels.T @ pixels))


def test_moments_of_parts_add_up():
    data = few_sprites()
    first, second = np.array_split(np.arange(len(data)), 2)
    both, whole = moments(data, first) + moments(data, second), moments(data, np.arange(len(data)))
    assert both.count == whole.count == len(data)
    np.testing.assert_array_equal(both.second, whole.second)
