"""The drawn functions: their columns, and families of other parameters."""

import numpy as np
import pytest

from evaluation.analysis.choose import SettingSummary, choose
from evaluation.analysis.inference.posterior import GRID, Posterior, draw_posterior, group_families
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
    return draw_posterior(settings, means, np.full(len(settings), 0.01**2), seed=0)


def test_columns_are_a_grid_and_the_settings():
    settings = settings_of(("beta_vae",))
    columns = posterior_of(settings).columns
    assert len(columns.setting) == GRID + len(BETAS)
    tested = columns.setting >= 0
    assert sorted(columns.setting[tested]) == list(range(len(BETAS)))
    for i, log_norm in zip(columns.setting[tested], columns.log_norm[tested], strict=True):
        assert np.exp(log_norm) == pytest.approx(settings[i].beta_norm)
    beta = np.exp(columns.log_norm + columns.log_ratio)
    assert beta[columns.low] == pytest.approx([1.0, 1.0])
    assert beta[columns.high] == pytest.approx([256.0, 256.0])


def test_families_need_settings_enough():
    two = group_families(settings_of(("beta_vae", "factor_vae")))
    assert sorted(map(len, two)) == [5, 5]
    assert len(group_families(settings_of(("beta_vae", "factor_vae"), betas=(1.0, 4.0)))) == 1


def test_draws_are_exchangeable():
    """Draws must not come sorted by model, or those of two families would be paired."""
    draws = posterior_of(settings_of(("beta_vae",))).draws
    first, second = np.split(draws[:, :GRID], 2)
    assert first.std(axis=0) == pytest.approx(second.std(axis=0), rel=0.15)


def test_draws_pass_near_the_scores():
    settings = settings_of(("beta_vae", "factor_vae"))
    posterior = posterior_of(settings)
    for column, i in enumerate(posterior.columns.setting):
        if i >= 0:
            assert posterior.draws[:, column].mean() == pytest.approx(settings[i].score, abs=0.03)
