"""The drawn functions: their columns, and families of other parameters."""

import math

import numpy as np
import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.inference import posterior as posterior_module
from evaluation.analysis.inference.families import find_families
from evaluation.analysis.inference.noise import Noise
from evaluation.analysis.inference.posterior import (
    GRID,
    Posterior,
    draw_posterior,
)
from evaluation.analysis.settings.summary import SettingSummary
from tests.evaluation.analysis.sweeps import inverted_u, make_rows

BETAS = (1.0, 4.0, 16.0, 64.0, 256.0)


def settings_of(
    objectives: tuple[str, ...], betas: tuple[float, ...] = BETAS
) -> list[SettingSummary]:
    rows = [
        row
        for objective in objectives
        for row in make_rows(inverted_u(10.0), betas, parameters={"objective": objective})
    ]
    return list(choose(rows, policy="mean").settings)


def posterior_of(settings: list[SettingSummary]) -> Posterior:
    means = np.array([setting.score for setting in settings])
    exactly = np.full(len(settings), math.inf)
    noise = Noise(0.01, math.nan, np.full(len(settings), 0.01**2), exactly)
    return draw_posterior(settings, means, noise, seed=0)


def test_points_are_a_grid_and_the_settings():
    settings = settings_of(("beta_vae",))
    posterior = posterior_of(settings)
    points = posterior.points
    assert GRID < len(points.log_norm) <= GRID + len(BETAS)
    assert np.isin(np.log([s.beta_norm for s in settings]), points.log_norm).all()
    beta = np.exp(points.log_norm + points.log_ratio)
    assert beta[points.low] == pytest.approx([1.0])
    assert beta[points.high] == pytest.approx([256.0])


def test_many_settings_lie_between_points_and_are_pooled_for_the_fit():
    settings = settings_of(("beta_vae",), betas=tuple(np.geomspace(1, 256, 400)))
    posterior = posterior_of(settings)
    assert len(posterior.points.log_norm) == GRID
    assert len(posterior.surfaces[0].points) < 40
    expected = posterior.tested.mean(axis=0)
    assert expected == pytest.approx([inverted_u(10.0)(s.beta, 10) for s in settings], abs=0.03)


def test_settings_of_many_latent_sizes_are_pooled_to_so_many_cells(monkeypatch):
    monkeypatch.setattr(posterior_module, "MAX_CELLS", 60)
    log_norm, latents = np.meshgrid(np.linspace(-7, 1.5, 40), np.log(np.arange(2, 22)))
    inputs = np.stack([log_norm.ravel(), latents.ravel()], axis=1)
    means = 0.5 - 0.01 * (inputs[:, 0] + 3) ** 2
    noise = Noise(1e-4, 0.0, np.full(len(means), 1e-4), np.full(len(means), 3.0))
    points, pooled, *_ = posterior_module._pool(inputs, means, noise)
    assert 20 < len(points) <= 60
    assert pooled == pytest.approx(0.5 - 0.01 * (points[:, 0] + 3) ** 2, abs=0.03)
    few = inputs[inputs[:, 1] < 1]
    assert len(np.unique(posterior_module._cells(few))) == len(
        np.unique(np.floor(few / [posterior_module.NEAR, 1e-9]), axis=0)
    )


def test_objectives_with_enough_betas_have_surfaces_of_their_own():
    own = find_families(settings_of(("beta_vae", "factor_vae")))
    assert [list(group) for group in own.groups] == [[0], [1]] and own.shared == ()
    together = find_families(settings_of(("beta_vae", "factor_vae"), betas=(1.0, 4.0)))
    assert [list(group) for group in together.groups] == [[0, 1]]
    assert together.shared == ("objective",) and together.scattered == ()


def test_objectives_with_few_betas_share_a_shape_at_levels_of_their_own():
    settings = []
    for objective, lift in (("beta_vae", 0.0), ("factor_vae", 0.3)):
        rows = make_rows(
            lambda beta, m, lift=lift: inverted_u(4.0)(beta, m) + lift,
            (1.0, 4.0, 16.0),
            spread=0.005,
            parameters={"objective": objective},
        )
        settings += choose(rows, policy="mean").settings
    posterior = posterior_of(settings)
    expected = posterior.tested.mean(axis=0)
    assert expected == pytest.approx([s.score for s in settings], abs=0.02)
    factor = np.array([s.parameters["objective"] == "factor_vae" for s in settings])
    best = posterior.tested.argmax(axis=1)
    assert np.mean(factor[best]) > 0.99


def test_draws_are_exchangeable():
    """Draws must not come sorted by model, or those of two families would be paired."""
    draws = posterior_of(settings_of(("beta_vae",))).draws
    first, second = np.split(draws[:, :GRID], 2)
    assert first.std(axis=0) == pytest.approx(second.std(axis=0), rel=0.15)


def test_draws_pass_near_the_scores():
    settings = settings_of(("beta_vae", "factor_vae"))
    posterior = posterior_of(settings)
    expected = posterior.tested.mean(axis=0)
    assert expected == pytest.approx([setting.score for setting in settings], abs=0.03)
