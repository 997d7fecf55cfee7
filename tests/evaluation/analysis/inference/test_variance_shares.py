"""What the variance of a score is due to: known effects are found, chance is taken off."""

import itertools

import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.inference.variance_shares import in_words, what_matters
from evaluation.analysis.table import RunRow

BETAS, LATENTS = (0.5, 1.0, 2.0, 4.0), (5, 10, 20)


def shares(effect, luck=0.1, seeds=8, parameters=lambda b, m: {}):
    rows = [
        RunRow(
            run=f"{beta}-{m}-{seed}",
            state="finished",
            beta=beta,
            beta_norm=beta * m / 1024,
            latents=m,
            seed=seed,
            scores=(effect(beta, m) + luck * (-1) ** seed,),
            parameters=parameters(beta, m),
        )
        for beta, m, seed in itertools.product(BETAS, LATENTS, range(seeds))
    ]
    return what_matters(choose(rows).settings)


def test_effects_are_told_apart_from_luck():
    found = shares(lambda beta, m: 0.1 * BETAS.index(beta) + 0.05 * LATENTS.index(m))
    # variances: 0.01 * 1.25 of beta, 0.0025 * 2/3 of the latents, 0.01 of luck
    whole = 0.0125 + 0.0025 * 2 / 3 + 0.01
    assert sum(found.values()) == pytest.approx(1)
    assert found["beta"] == pytest.approx(0.0125 / whole, abs=0.08)
    assert found["latents"] == pytest.approx(0.0025 * 2 / 3 / whole, abs=0.05)
    assert found["seed"] == pytest.approx(0.01 / whole, abs=0.08)
    assert found["interaction"] < 0.03


def test_an_interaction_is_no_effect_of_either_parameter():
    found = shares(lambda beta, m: 0.2 * (-1) ** (BETAS.index(beta) + LATENTS.index(m)), luck=0.01)
    assert found["interaction"] > 0.8 and found["beta"] < 0.15


def test_mere_luck_is_attributed_to_the_seed():
    found = shares(lambda beta, m: 0.5)
    assert found["seed"] > 0.9
    assert in_words(found).startswith("The score varies with: luck of the seed")


def test_what_was_changed_together_cannot_be_told_apart():
    found = shares(lambda beta, m: beta / 10, 0.01, parameters=lambda b, m: {"lr": b / 100})
    assert found["beta"] < 0.01 and found["lr"] < 0.01
    assert found["cannot be told apart"] > 0.9


def test_few_settings_and_equal_scores_have_no_shares():
    assert what_matters([]) == {} and in_words({}) == ""
    assert shares(lambda beta, m: 0.5, luck=0.0) == {}
