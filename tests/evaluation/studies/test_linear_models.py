"""Factor analysis under beta: formulas against what is known of them."""

import numpy as np
import pytest
from scipy import stats

from evaluation.studies import factor_analysis as fa

WEIGHTS = np.array([[2.0, 0.3, -0.4], [0.1, 1.0, 0.7]])
NOISE = np.array([0.5, 0.2])
X = np.array([[0.3, -1.2], [1.0, 0.4], [-2.0, 0.1]])
MOMENT = X.T @ X / len(X)


def test_the_evidence_is_that_of_so_many_copies_of_each_observation():
    for copies in (1, 2, 3):
        stacked = np.tile(WEIGHTS, (copies, 1))
        covariance = stacked @ stacked.T + np.diag(np.tile(NOISE, copies))
        known = stats.multivariate_normal(np.zeros(2 * copies), covariance)
        model = fa.FactorModel(WEIGHTS, NOISE, 1 / copies)
        expected = known.logpdf(np.tile(X, copies)).mean()
        assert fa.log_evidence(model, MOMENT) == pytest.approx(expected)


@pytest.mark.parametrize("beta", [0.5, 1.0, 5.0])
def test_the_free_energy_is_below_the_evidence_by_the_gap(beta):
    model = fa.FactorModel(WEIGHTS, NOISE, beta)
    below = fa.log_evidence(model, MOMENT) - fa.free_energy(model, MOMENT)
    assert below == pytest.approx(fa.gap(model)) and below > 0


def test_no_other_factorised_posterior_has_a_higher_free_energy():
    model, seen = fa.FactorModel(WEIGHTS, NOISE, 2.0), X[0]

    def literal(mean, variances):
        """E_q[log p(x|z)] / beta - KL(q || N(0, I)) at one x."""
        squares = (seen - WEIGHTS @ mean) ** 2 + WEIGHTS**2 @ variances
        explained = -0.5 * (squares / NOISE + np.log(2 * np.pi * NOISE)).sum()
        return explained / 2.0 - 0.5 * (mean**2 + variances - np.log(variances) - 1).sum()

    mean, variances = model.recognition @ seen, model.variances
    best = literal(mean, variances)
    assert best == pytest.approx(fa.free_energy(model, np.outer(seen, seen)))
    for k in range(3):
        for factor in (0.9, 1.1):
            changed = np.where(np.arange(3) == k, factor, 1.0)
            assert literal(mean * changed, variances) < best
            assert literal(mean, variances * changed) < best


def test_rotated_latents_have_the_same_likelihood_and_axis_aligned_ones_the_smallest_gap():
    straight = np.diag([2.0, 1.0])
    models = [fa.FactorModel(fa.rotated(straight, a), NOISE) for a in np.linspace(0, np.pi, 9)]
    assert np.ptp([fa.log_evidence(m, MOMENT) for m in models]) < 1e-12
    gaps = [fa.gap(m) for m in models]
    assert gaps[0] == pytest.approx(0) == pytest.approx(gaps[4]) and gaps[2] == max(gaps)


def test_a_third_latent_of_two_pixels_costs_unless_it_is_pruned():
    models = [fa.FactorModel(fa.over_complete(a), NOISE * 0 + 0.1) for a in (0.0, 0.4, 0.7)]
    covariances = [m.weights @ m.weights.T for m in models]
    assert all(np.allclose(c, covariances[0]) for c in covariances)
    gaps = [fa.gap(m) for m in models]
    assert gaps[0] == pytest.approx(0) and gaps[0] < gaps[1] < gaps[2]


def test_directions_that_vary_by_less_than_beta_times_the_noise_are_pruned():
    eigenvalues = np.array([4.0, 2.0, 0.6])
    turn = np.linalg.qr(np.arange(9.0).reshape(3, 3) ** 1.5 + 1)[0]
    found = fa.fit(
        turn @ np.diag(eigenvalues) @ turn.T, np.full(3, 0.2), beta=4.0, latents=4, rounds=400
    )
    squares = np.sort((found.weights**2).sum(axis=0))[::-1]
    assert squares == pytest.approx([3.2, 1.2, 0, 0], abs=1e-3)
    assert fa.kept(eigenvalues, 0.2, 4.0) == pytest.approx([3.2, 1.2, 0])
    gram = found.weights.T @ found.weights
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-3  # and what stays is orthogonal
