"""Perfect codes in turned axes: the formula of z_diff, and what the metric says of them."""

import numpy as np
import pytest
import torch

from evaluation.studies import rotated_codes as study


def test_z_diff_is_that_of_pairs_which_share_a_factor():
    rng, turn = np.random.default_rng(0), study.random_turn(3, seed=1)
    for factor in range(3):
        first, second = rng.standard_normal((2, 200_000, 3))
        second[:, factor] = first[:, factor]
        found = np.abs((first - second) @ turn.T).mean(axis=0)
        assert study.z_diff(turn, factor) == pytest.approx(found, abs=0.01)


def test_a_rotation_by_45_degrees_makes_two_factors_indistinguishable():
    points = [[study.z_diff(study.plane_turn(d), y) for y in range(2)] for d in (0, 45)]
    assert points[0][0] == pytest.approx([0, 2 / np.sqrt(np.pi)])
    assert points[1][0] == pytest.approx(points[1][1])
    data = study.GaussianFactors(2, count=1_000)
    straight, turned = (study.higgins_score(data, study.plane_turn(d)) for d in (0, 45))
    assert straight == pytest.approx(1) and turned == pytest.approx(0.5, abs=0.06)


def test_the_classes_discretise_a_standard_normal():
    values = study.values()
    assert values.mean() == pytest.approx(0) and values.var() == pytest.approx(1)
    data = study.GaussianFactors(2, count=100)
    images = torch.from_numpy(data.images([3, 4])).float() / data.levels
    assert study.code(np.eye(2))(images).numpy() == pytest.approx(values[data.classes([3, 4])])
