"""Seed and classifier noise: known variances come back apart, and few seeds are not believed."""

import math
import statistics

import numpy as np
import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.inference import noise
from evaluation.analysis.inference.noise import Noise, measure_noise
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow

BETAS = (1.0, 2.0, 4.0, 8.0, 16.0)


def measure(spreads: dict[float, list[float]], classifier: float = 0.0) -> Noise:
    """Noise of settings whose seeds score 0.5 + the numbers given; two classifiers a seed."""
    settings: list[SettingSummary] = []
    for beta, scores in spreads.items():
        rows = [
            RunRow("r", "finished", beta, beta, 10, i, (0.5 + s - classifier, 0.5 + s + classifier))
            for i, s in enumerate(scores)
        ]
        settings += choose(rows, policy="mean").settings
    points = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    return measure_noise(settings, points)


def test_components_come_back_apart():
    rng = np.random.default_rng(0)
    noise = measure({b: list(0.05 * rng.standard_normal(400)) for b in BETAS}, classifier=0.02)
    within = statistics.variance([-0.02, 0.02])
    assert noise.classifier == pytest.approx(within)
    assert noise.seed == pytest.approx(0.05**2 - within / 2, rel=0.1)
    assert noise.of_mean == pytest.approx([0.05**2 / 400] * len(BETAS), rel=0.2)


def test_equal_seeds_among_noisy_neighbours_are_not_certain():
    noisy, equal = [-0.1, 0.1, -0.1, 0.1], [0.0] * 4
    noise = measure({1.0: noisy, 2.0: equal, 4.0: noisy})
    assert noise.of_mean[1] > 0.2 * noise.of_mean[0]


def test_a_quiet_region_far_from_the_noise_stays_quiet():
    noisy, quiet = [-0.1, 0.1, -0.1, 0.1], [-0.001, 0.001, -0.001, 0.001]
    noise = measure({1.0: noisy, 2.0: noisy, 500.0: quiet, 1000.0: quiet})
    assert noise.of_mean[-1] < 0.01 * noise.of_mean[0]


def test_a_single_seed_borrows_the_spread_of_its_neighbours():
    noise = measure({1.0: [-0.1, 0.1, -0.1, 0.1], 2.0: [0.0]})
    assert noise.of_mean[1] == pytest.approx(statistics.variance([-0.1, 0.1, -0.1, 0.1]), rel=0.01)


def test_with_single_seeds_only_classifier_noise_is_known():
    noise = measure({b: [0.0] for b in BETAS}, classifier=0.02)
    assert math.isnan(noise.seed)
    assert noise.of_mean == pytest.approx([statistics.variance([-0.02, 0.02]) / 2] * len(BETAS))


def test_of_very_many_settings_close_ones_count_as_one_point(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    betas = np.geomspace(1, 256, 120)
    spreads = {b: list(0.01 * (1 + math.log(b)) * rng.standard_normal(4)) for b in betas}
    one_by_one = measure(spreads).of_mean
    monkeypatch.setattr(noise, "MAX_PAIRED", 100)
    assert measure(spreads).of_mean == pytest.approx(one_by_one, rel=0.03)
    assert (measure(spreads).of_mean != one_by_one).any()


def test_two_seeds_that_agree_are_not_taken_for_certainty():
    noisy = [-0.1, 0.1, -0.1, 0.1]
    noise = measure({1.0: noisy, 2.0: noisy, 1000.0: [0.0, 1e-6]})
    assert noise.of_mean[2] > 0.3 * noise.of_mean[0]


def test_more_seeds_give_more_degrees_of_freedom_and_none_without_seeds():
    noise = measure({1.0: [-0.1, 0.1], 1000.0: [-0.1, 0.1] * 5})
    assert noise.freedom == pytest.approx([3.0, 11.0])
    assert all(np.isinf(measure({b: [0.0] for b in BETAS}).freedom))
