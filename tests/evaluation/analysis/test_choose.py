"""Choosing the best setting: known tables, policies for failed seeds, ties."""

import dataclasses
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.analysis.choose import choose
from evaluation.analysis.settings.policies import discard_bottom_half
from evaluation.analysis.table import RunRow
from tests.evaluation.analysis.sweeps_of_rows import inverted_u, row
from trainer.errors import UserError


def test_of_an_even_number_the_lower_half_is_discarded():
    assert discard_bottom_half([0.1, 0.9, 0.7, 0.3], "maximize") == pytest.approx(0.8)


def test_of_an_odd_number_the_middle_one_is_kept():
    assert discard_bottom_half([0.1, 0.9, 0.5], "maximize") == pytest.approx(0.7)
    assert discard_bottom_half([0.4], "maximize") == 0.4


def test_when_minimising_the_upper_half_is_discarded():
    assert discard_bottom_half([0.1, 0.9, 0.7, 0.3], "minimize") == pytest.approx(0.2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_thirty_scores_keep_the_fifteen_best(scores):
    kept = list(scores)
    for _ in range(len(scores) // 2):
        kept.remove(min(kept))
    assert discard_bottom_half(scores, "maximize") == pytest.approx(statistics.fmean(kept))


def test_seeds_and_classifiers_are_pooled_before_discarding():
    rows = [row(seed=0, scores=(0.1, 0.8, 0.9)), row(seed=1, scores=(0.2, 0.3, 0.4))]
    best = choose(rows).best
    assert best.score == pytest.approx((0.9 + 0.8 + 0.4) / 3)
    assert best.scores == pytest.approx((0.6, 0.3))
    assert best.spread == pytest.approx(statistics.stdev((0.6, 0.3)))


def test_the_top_of_each_latent_size_is_found():
    choice = choose(inverted_u())
    assert {size: best.beta for size, best in choice.per_latents.items()} == {5: 4, 10: 4, 20: 8}
    assert (choice.best.latents, choice.best.beta) == (10, 4)
    assert choice.best is choice.settings[0] is choice.per_latents[10]
    assert len(choice.settings) == 27
    scores = [setting.score for setting in choice.settings]
    assert scores == sorted(scores, reverse=True)


def test_minimising_takes_the_lowest():
    rows = [
        row(beta=1.0, scores=(0.2,)),
        row(beta=2.0, scores=(0.1,)),
        row(beta=3.0, scores=(0.3,)),
    ]
    choice = choose(rows, goal="minimize")
    assert [setting.beta for setting in choice.settings] == [2, 1, 3]


def test_one_lucky_seed_does_not_win_under_the_mean():
    lucky = [row(beta=1.0, seed=s, scores=(score,)) for s, score in enumerate((0.99, 0.3, 0.3))]
    steady = [row(beta=2.0, seed=s, scores=(0.6,)) for s in range(3)]
    assert choose(lucky + steady, policy="mean").best.beta == 2


def test_a_failed_seed_counts_in_full_at_chance_level():
    rows = [row(seed=0, scores=(0.9, 0.9, 0.9), chance=0.25), row(seed=1, scores=())]
    best = choose(rows, policy="mean").best
    assert (best.seeds, best.failed, best.finished) == (2, 1, 1)
    assert best.scores == (pytest.approx(0.9), 0.25)
    assert best.score == pytest.approx((0.9 + 0.25) / 2)  # three scores of 0.25, not one


def test_without_chance_level_a_failed_seed_counts_as_the_worst_of_the_sweep():
    rows = [row(seed=0), row(seed=1, scores=()), row(beta=1.0, scores=(0.4,))]
    assert choose(rows).failed_score == 0.4
    rows = [row(seed=0), row(seed=1, scores=()), row(beta=1.0, scores=(0.95,))]
    assert choose(rows, goal="minimize").failed_score == 0.95


def test_the_policy_is_stated():
    assert "A.4" in choose([row()]).policy_words
    assert "failed" not in choose([row()]).policy_words
    said = choose([row(chance=0.25), row(seed=1, scores=())]).policy_words
    assert "chance level (0.25)" in said


def test_a_setting_without_a_finished_seed_is_never_the_best():
    below_chance = row(beta=1.0, scores=(0.2,), chance=0.25)
    choice = choose([below_chance, row(beta=2.0, scores=())])
    assert choice.best.beta == 1
    assert choice.failed == 1


def test_when_all_failed_there_is_still_a_choice_to_show():
    choice = choose([row(beta=beta, seed=s, scores=()) for beta in (2.0, 1.0) for s in range(2)])
    assert choice.best.finished == 0
    assert math.isnan(choice.best.score) and math.isnan(choice.best.spread)


def test_equal_scores_prefer_fewer_failures_then_less_pressure():
    rows = [row(beta=beta, seed=s) for beta in (8.0, 2.0, 4.0) for s in range(2)]
    assert choose(rows).best.beta == 2
    rows.append(row(beta=2.0, seed=2, scores=(), chance=0.25))  # the better half is unchanged
    assert choose(rows).best.beta == 4


def test_other_parameters_make_other_settings():
    rows = [
        row(scores=(0.5 + lr,), parameters={"optimizer.lr": lr}, run=f"{lr}") for lr in (0.1, 0.2)
    ]
    choice = choose(rows)
    assert len(choice.settings) == 2
    assert choice.best.parameters == {"optimizer.lr": 0.2}


def test_figures_of_failed_seeds_do_not_enter_the_reconstruction():
    rows = [row(reconstruction=-20.0, kl=7.0), row(seed=1, scores=())]
    assert choose(rows).best.reconstruction == -20
    assert choose(rows).best.kl == 7
    assert math.isnan(choose([row()]).best.kl)


def test_the_order_of_rows_does_not_matter():
    rows = inverted_u(failed={(64.0, 20, 0)})
    assert dataclasses.astuple(choose(rows)) == dataclasses.astuple(choose(rows[::-1]))


def test_no_rows_and_unknown_policies_are_refused():
    with pytest.raises(UserError, match="no runs"):
        choose([])
    with pytest.raises(UserError, match="did you mean 'paper'"):
        choose([row()], policy="papers")


def test_settings_of_different_numbers_of_seeds_are_judged_by_the_smallest():
    """Of equals, the one with more seeds has the better better half; it must not win by that."""
    scores = [0.5, 0.6, 0.7, 0.8]
    few = [RunRow(f"a{s}", "finished", 1.0, 0.01, 10, s, (scores[s],)) for s in (0, 3)]
    many = [RunRow(f"b{s}", "finished", 2.0, 0.02, 10, s, (scores[s],)) for s in range(4)]
    found = {setting.beta: setting.score for setting in choose([*few, *many]).settings}
    # the better one of two: of all six pairs of the four seeds
    assert found[1.0] == pytest.approx(0.8)
    assert found[2.0] == pytest.approx((0.6 + 2 * 0.7 + 3 * 0.8) / 6)
    alone = {setting.beta: setting.score for setting in choose(many).settings}
    assert alone[2.0] == pytest.approx(0.75)
