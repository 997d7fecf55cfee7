"""Where the next runs of a race go."""

import numpy as np
import pytest

from evaluation.analysis.inference.expectation import Expectation
from sweeps.scheduling import race


def test_the_gain_of_a_run_is_what_it_adds_to_the_expected_score_of_the_choice_after_it():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((6, 6))
    covariance, expected, noise = root @ root.T, rng.standard_normal(6), np.full(6, 0.5)
    tried, may = np.array([1, 1, 1, 1, 0, 0], bool), np.array([1, 2, 4, 5])
    ceiling = expected[tried].max() + 1.0
    found = race._gains(expected, covariance, noise, ceiling, tried, may)
    scores = rng.standard_normal(100_000)
    for gain, candidate in zip(found, may, strict=True):
        sd = np.sqrt(covariance[candidate, candidate] + noise[candidate])
        after = expected[:, None] + covariance[:, candidate, None] / sd * scores
        chosen_from = tried | (np.arange(6) == candidate)
        best = np.minimum(after[chosen_from], ceiling).max(axis=0).mean()
        assert gain == pytest.approx(best - expected[tried].max(), rel=0.1)


def test_a_run_that_can_hardly_change_the_choice_still_counts_a_little():
    identity, every = np.eye(2), np.ones(2, bool)
    gains = race._gains(np.array([0.0, -9.0]), identity, np.ones(2), np.inf, every, np.arange(2))
    assert np.all(gains > 0)


def known(means: list[float], spread: list[float], seeds: int) -> Expectation:
    """As if `seeds` of the candidates had been tried; noise of one seed 0.1."""
    rng = np.random.default_rng(1)
    draws = np.array(means) + np.array(spread) * rng.standard_normal((2000, len(means)))
    return Expectation(np.arange(seeds), draws, np.inf, np.full(len(means), 0.01))


def test_a_round_shares_its_runs_among_those_that_may_be_best_and_never_exceeds_them():
    rule = race.Rule(most=10, batch=8)
    of = known([0.8, 0.8, 0.3, 0.8], [0.05, 0.05, 0.05, 0.1], 3)
    more = race._allocate(rule, of, np.array([4, 4, 4, 0]), 1, np.arange(4))
    assert more.sum() == 8 and more[2] == 0 and more[3] == 1 and more[:2].min() >= 2
    more = race._allocate(rule, of, np.array([10, 9, 4, 0]), 0, np.array([0, 1]))
    assert more.tolist() == [0, 1, 0, 0]
