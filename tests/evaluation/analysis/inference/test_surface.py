"""The surface: the textbook's formulas for one model, and right about flat and curved scores."""

import math

import numpy as np
import pytest

from evaluation.analysis.inference import surface
from evaluation.analysis.inference.surface import fit_surface

POINTS = np.stack([np.linspace(-7, 1.5, 9), np.full(9, math.log(10))], axis=1)
BUMP = 0.6 + 0.3 * np.exp(-0.5 * (POINTS[:, 0] + 3) ** 2)


def matern(a: np.ndarray, b: np.ndarray, lengths: tuple[float, float]) -> float:
    """Rasmussen & Williams 2006, Eq. 4.17, nu = 3/2."""
    r = math.sqrt(sum(((x - y) / length) ** 2 for x, y, length in zip(a, b, lengths, strict=True)))
    return (1 + math.sqrt(3) * r) * math.exp(-math.sqrt(3) * r)


def test_draws_agree_with_the_textbook(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"HEIGHTS": (1.0,), "BETA_LENGTHS": (1.7,), "MISFITS": (0.1,)}.items():
        monkeypatch.setattr(surface, name, value)
    variances = np.full(9, 0.02**2)
    new = np.array([[-3.3, math.log(10)], [-2.0, math.log(10)]])
    draws = fit_surface(POINTS, BUMP, variances).draw(new, 40_000, np.random.default_rng(0))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        detail = surface.DETAIL_HEIGHT**2 * matern(a, b, surface.DETAIL_LENGTHS)
        return surface.UNKNOWN_LEVEL**2 + detail + matern(a, b, (1.7, surface.LATENTS_LENGTHS[0]))

    scale = BUMP.std()
    gram = np.array([[kernel(a, b) for b in POINTS] for a in POINTS])
    gram += np.diag(variances / scale**2 + 0.1**2)
    cross = np.array([[kernel(a, b) for b in POINTS] for a in new])
    prior = np.array([[kernel(a, b) for b in new] for a in new])
    mean = BUMP.mean() + scale * cross @ np.linalg.solve(gram, (BUMP - BUMP.mean()) / scale)
    covariance = scale**2 * (prior - cross @ np.linalg.solve(gram, cross.T))
    assert draws.mean(axis=0) == pytest.approx(mean, abs=5e-4)
    assert np.cov(draws.T) == pytest.approx(covariance, abs=0.02 * covariance.max())


def test_probability_of_flat():
    rng = np.random.default_rng(1)
    variances = np.full(9, 0.02**2)
    noise = 0.02 * rng.standard_normal(9)
    assert fit_surface(POINTS, 0.6 + noise, variances).flat > 0.3
    assert fit_surface(POINTS, BUMP + noise, variances).flat < 0.05


def test_settings_that_differ_by_luck_alone_are_equally_good():
    rng = np.random.default_rng(4)
    points = np.stack([np.tile(np.linspace(-7, 1.5, 14), 2), np.repeat([1.0, 3.0], 14)], axis=1)
    variances = np.full(28, 0.016**2)

    fitted = fit_surface(points, 0.7 + 0.016 * rng.standard_normal(28), variances)
    draws = fitted.draw_settings(2000, rng)
    favourite = draws[:, draws.mean(axis=0).argmax()]
    assert (draws.max(axis=1) - favourite <= 0.01).mean() > 0.85
    assert not any(shape.height == 0 for shape in fit_surface(POINTS, BUMP, variances[:9]).shapes)


def test_less_noise_means_closer_draws():
    fitted = fit_surface(POINTS, BUMP, np.full(9, 0.05**2))
    calm = fitted.imagine(BUMP, 0.01)
    spread = fitted.draw(POINTS, 2000, np.random.default_rng(0)).std(axis=0)
    calm_spread = calm.draw(POINTS, 2000, np.random.default_rng(0)).std(axis=0)
    assert np.all(calm_spread < 0.5 * spread)


def test_weights_are_a_distribution_and_draws_are_as_many_as_asked():
    fitted = fit_surface(POINTS, BUMP, np.full(9, 0.05**2))
    assert fitted.weights.sum() == pytest.approx(1)
    assert fitted.draw(POINTS, 1001, np.random.default_rng(0)).shape == (1001, 9)


def test_scores_that_may_be_noise_without_seeds_are_not_believed():
    noise = 0.02 * np.random.default_rng(1).standard_normal(9)
    assert fit_surface(POINTS, 0.6 + noise, np.zeros(9), measured=False).flat > 0.3
    assert fit_surface(POINTS, 0.6 + noise, np.zeros(9), measured=True).flat < 0.01


def test_very_many_points_are_drawn_by_knots_with_the_same_means_and_spreads(
    monkeypatch: pytest.MonkeyPatch,
):
    latents = np.repeat(np.log([2.0, 10.0]), 100)
    points = np.stack([np.tile(np.linspace(-7, 1.5, 100), 2), latents], axis=1)
    fitted = fit_surface(POINTS, BUMP, np.full(9, 0.02**2))
    together = fitted.draw(points, 4000, np.random.default_rng(0))
    monkeypatch.setattr(surface, "MAX_TOGETHER", 100)
    monkeypatch.setattr(surface, "KNOTS", 60)
    by_knots = fitted.draw(points, 4000, np.random.default_rng(1))
    spread = together.std(axis=0)
    assert by_knots.mean(axis=0) == pytest.approx(together.mean(axis=0), abs=0.1 * spread.max())
    assert by_knots.std(axis=0) == pytest.approx(spread, rel=0.1)
    common = [np.corrcoef(draws.T) for draws in (together, by_knots)]
    assert common[1] == pytest.approx(common[0], abs=0.1)
    # where the curve is highest: what the answer is made of
    tops = [
        np.quantile(points[draws.argmax(axis=1), 0], [0.1, 0.5, 0.9])
        for draws in (together[:, 100:], by_knots[:, 100:])
    ]
    assert tops[1] == pytest.approx(tops[0], abs=0.2)


def test_noise_that_few_seeds_show_leaves_more_room():
    variances = np.full(9, 0.05**2)

    def spread(freedom: float) -> float:
        fitted = fit_surface(POINTS, BUMP, variances, freedom=np.full(9, freedom))
        draws = fitted.draw_settings(8_000, np.random.default_rng(0))
        return float(np.diff(np.quantile(draws, [0.01, 0.99], axis=0), axis=0).mean())

    assert spread(3.0) > 1.15 * spread(1e6)
