"""Verdicts and advice from given evidence, without any sweep."""

import math
from dataclasses import replace

import pytest

from evaluation.analysis.conclude import answer
from evaluation.analysis.inference.top import Edge
from evaluation.analysis.recommend import CLEAR
from evaluation.analysis.run_health import HealthCounts
from evaluation.analysis.table import Floor
from evaluation.analysis.verdict import Evidence, judge
from tests.evaluation.analysis.sweeps_of_rows import row

WELL = HealthCounts(6, 5, 0, 0, 0, 0)
SURE = Evidence(
    probability_within=0.95,
    within_at=lambda factor: 0.95,
    within=0.01,
    confidence=CLEAR,
    betas=9,
    seeds=4,
    edges=(Edge("lowest", 10, 1.0, 0.002, 0.0), Edge("highest", 10, 1000.0, 2.0, 0.0)),
    flat=0.01,
    reach=math.log(5),
    setting_health=WELL,
    sweep_health=replace(WELL, runs=54),
    shared={"optimizer.lr": 0.003, "steps": 2000, "likelihood": "gaussian"},
)


def test_a_clear_verdict_needs_no_reason():
    assert judge(SURE) == ("clear", ())


def test_the_verdict_follows_from_the_probability():
    assert judge(replace(SURE, probability_within=CLEAR))[0] == "clear"
    verdict, (reason,) = judge(replace(SURE, probability_within=CLEAR - 0.01))
    assert verdict == "cannot tell" and "best is 0.79; 0.8 would settle it" in reason


def test_what_a_race_asks_for_is_what_the_verdict_asks_for():
    asked = replace(SURE, confidence=0.95)
    assert judge(asked)[0] == "clear"
    verdict, (reason,) = judge(replace(asked, probability_within=0.9))
    assert verdict == "cannot tell" and "0.90; 0.95 would settle it" in reason


@pytest.mark.parametrize(
    ("most", "advice"), [(5, "raise `max` of `seeds` (5 now)"), (10, "as far as its `budget`")]
)
def test_a_race_is_advised_what_a_race_can_do(most, advice):
    unsure = replace(SURE, probability_within=0.5, within_at=lambda factor: 0.9, most_seeds=most)
    _, (reason,) = judge(unsure)
    assert "About 6 seeds of each of the best settings" in reason and advice in reason
    assert "per setting" not in reason
    _, (flat,) = judge(replace(unsure, flat=0.9))
    assert f"raise `max` of `seeds` ({most} now)" in flat


@pytest.mark.parametrize("metric", ["indicators", "unsupervised"])
def test_metrics_that_a_collapsed_model_wins_are_never_clear(metric):
    verdict, (reason,) = judge(replace(SURE, metric=metric))
    assert verdict == "cannot tell" and "cannot choose between them" in reason


def test_an_edge_names_the_side_and_the_distance():
    verdict, (reason,) = judge(
        replace(SURE, edges=(SURE.edges[0], Edge("highest", 10, 1000.0, 2.0, 0.4)))
    )
    assert verdict == "cannot tell"
    assert "highest one tried, 1000 at M = 10 (probability 0.40)" in reason
    assert "factor of 5.0, to β = 5000 (β_norm 10)" in reason


def test_edges_of_several_latents_add_up():
    edges = tuple(Edge("lowest", m, 1.0, 0.002 * m, 0.15) for m in (5, 10))
    assert judge(replace(SURE, edges=edges[:1]))[0] == "clear"
    assert judge(replace(SURE, edges=edges))[0] == "cannot tell"


def test_doubt_asks_for_the_fewest_seeds_that_mend_it():
    unsure = replace(SURE, probability_within=0.5, within_at=lambda factor: min(1.0, 0.42 * factor))
    verdict, (reason,) = judge(unsure)
    assert verdict == "cannot tell"
    assert "Adding 4 seeds per setting to the current 4 should raise it to about 0.84." in reason


@pytest.mark.parametrize(
    ("at_last", "advice"), [(0.5, "add settings between the good ones"), (0.9, "over 10 times")]
)
def test_where_seeds_do_not_help_it_says_so(at_last: float, advice: str):
    def within_at(factor: float) -> float:
        return at_last if factor == math.inf else 0.5

    verdict, (reason,) = judge(replace(SURE, probability_within=0.5, within_at=within_at))
    assert verdict == "cannot tell" and advice in reason


def test_flat_and_too_few_betas_are_the_only_reasons_given():
    assert "flat" in judge(replace(SURE, flat=0.9, probability_within=0.1))[1][0]
    assert judge(replace(SURE, betas=1, flat=0.9))[1] == (
        "All runs at this latent size have the same β: they cannot show which β is best.",
    )


def test_causes_come_before_seeds():
    ill = replace(SURE.sweep_health, diverged=20, unconverged=30)
    unsure = replace(SURE, probability_within=0.5, sweep_health=ill, low_collapse=0.5)
    _, reasons = judge(unsure)
    assert "20 of 54 runs diverged: lower the learning rate (0.003 now)" in reasons[0]
    assert "collapse even at β = 0.5" in reasons[1] and "likelihood" in reasons[1]
    assert "(2,000 steps now)" in reasons[1] and "(gaussian now)" in reasons[1]
    assert "30 of 54 runs was still falling" in reasons[2] and "train longer" in reasons[2]
    assert "seeds" not in "".join((reasons[0], reasons[2]))
    assert "Adding 2 seeds per setting" in reasons[3]


def test_a_clear_answer_is_not_spoilt_by_a_few_ill_runs():
    ill = replace(SURE.sweep_health, diverged=20)
    assert judge(replace(SURE, sweep_health=ill)) == ("clear", ())


def test_a_setting_of_collapsed_models_is_never_clear():
    verdict, reasons = judge(replace(SURE, setting_health=replace(WELL, collapsed=3)))
    assert verdict == "cannot tell" and "3 of the 6 models of this setting collapsed" in reasons[0]


def test_a_setting_of_models_no_better_than_the_mean_image_is_never_clear():
    verdict, reasons = judge(replace(SURE, setting_health=replace(WELL, worse_than_mean_image=3)))
    assert verdict == "cannot tell"
    assert "3 of the 6 models of this setting reconstruct no better than" in reasons[0]
    assert "train longer (2,000 steps now)" in reasons[0]


@pytest.mark.parametrize(("metric", "verdict"), [("udr", "cannot tell"), ("higgins", "clear")])
def test_udr_is_never_clear_with_one_live_latent(metric: str, verdict: str):
    alone = replace(SURE, metric=metric, setting_health=replace(WELL, live_latents=1))
    assert judge(alone)[0] == verdict


@pytest.mark.parametrize(("score", "verdict"), [(0.39, "cannot tell"), (0.5, "clear")])
def test_a_score_at_its_floor_is_never_clear(score: float, verdict: str):
    assert judge(replace(SURE, score=score, floor=Floor(0.3, 0.05, 5)))[0] == verdict
    lower_is_better = replace(SURE, score=-score, floor=Floor(-0.3, 0.05, 5), sign=-1.0)
    assert judge(lower_is_better)[0] == verdict


@pytest.mark.parametrize(("low", "verdict"), [(0.96, "clear"), (0.99, "cannot tell")])
def test_a_score_at_its_ceiling_everywhere_cannot_choose(low: float, verdict: str):
    scores = {0.25: low, 1.0: 0.995, 4.0: 0.997, 16.0: low}
    best = answer(
        row(beta, 5, seed, (score + 0.0002 * seed,), metric="higgins")
        for beta, score in scores.items()
        for seed in range(4)
    ).best
    assert best.verdict == verdict
    assert any("it cannot choose between them" in said for said in best.reasons) == (low == 0.99)
