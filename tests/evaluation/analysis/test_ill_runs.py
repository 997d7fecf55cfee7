"""Sweeps whose models collapsed, diverged, or were not trained to the end."""

import math
from dataclasses import replace

import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.analysis.run_health import RunHealth
from evaluation.analysis.sentences import headline
from evaluation.analysis.table import Floor, rows_from_results
from evaluation.report.answer_card import answer_card
from evaluation.report.facts import SweepFacts
from tests.evaluation.analysis.sweeps_of_rows import row

DEAD = RunHealth(live_latents=0, collapsed=True)
SHARP = {0.25: 0.2, 1.0: 0.3, 4.0: 0.5, 16.0: 0.89, 64.0: 0.3}


def udr_rows(dead=(), live=3, scores=None):
    """UDR by beta over four seeds; those of the betas in `dead` have no live latent."""
    scores = scores or {0.25: 0.605, 0.5: 0.5, 1.0: 0.5, 4.0: 0.4, 16.0: 0.3}
    return [
        row(beta, 5, seed, (), state="undefined", health=DEAD, metric="udr")
        if beta in dead
        else row(
            beta, 5, seed, (score + 0.001 * seed,), health=RunHealth(live), metric="udr", chance=0.0
        )
        for beta, score in scores.items()
        for seed in range(4)
    ]


def test_an_undefined_score_is_no_score():
    found = answer(udr_rows(dead=(0.5, 1.0, 16.0)))
    lost = [s for s in found.choice.settings if s.undefined]
    assert {s.beta for s in lost} == {0.5, 1.0, 16.0}
    assert all(math.isnan(s.score) and not s.scores and not s.finished for s in lost)
    assert not any(s.setting.undefined for s in found.standings)
    assert found.health.collapsed == 12
    said = " ".join(found.best.sentences)
    assert "Health: of 20 runs, 12 collapsed (no live latent)." in said
    assert "UDR is undefined for the 12 runs without a live latent" in said
    assert "A collapsed seed has no score" in found.choice.policy_words


def test_collapse_without_pressure_names_its_cause_before_seeds():
    best = answer(udr_rows(dead=(0.5, 1.0, 16.0))).best
    assert best.verdict == "cannot tell"
    assert best.reasons[0].startswith("Models collapse even at β = 0.5")
    assert "lower the learning rate" in best.reasons[0] and "likelihood" in best.reasons[0]
    assert all("Add" not in reason for reason in best.reasons[:1])


def test_one_live_latent_is_never_clear_under_udr():
    assert answer(udr_rows(live=3, scores=SHARP)).best.verdict == "clear"
    best = answer(udr_rows(live=1, scores=SHARP)).best
    assert best.verdict == "cannot tell" and "one live latent" in best.reasons[0]
    assert best.health.live_latents == 1 and best.to_json()["health"]["live_latents"] == 1


def test_when_no_model_is_alive_there_is_no_best():
    found = answer(udr_rows(dead=(0.25, 0.5, 1.0, 4.0, 16.0)))
    assert found.best.interval is found.best.run is None
    assert "undefined" in found.best.reasons[0] and "collapse even at" in found.best.reasons[1]


def test_half_collapsed_seeds_count_as_what_they_are():
    """Two of four seeds have no score: the mean is of the others, and that is said."""
    rows = [r for r in udr_rows() if not (r.beta == 0.25 and r.seed < 2)]
    rows += [row(0.25, 5, s, (), state="undefined", health=DEAD, metric="udr") for s in range(2)]
    setting = next(s for s in choose(rows).settings if s.beta == 0.25)
    assert (setting.seeds, setting.undefined, setting.finished, setting.failed) == (4, 2, 2, 0)
    assert setting.mean == pytest.approx(0.6075)
    found = answer(rows)
    assert found.best.beta != 0.25 or found.best.verdict == "cannot tell"


def result(run, kl, udr, **others):
    measured = {"score": udr, "active": float(sum(k > 0.01 for k in kl))}
    evaluation = {"measures": {"udr": measured}, "kl_per_latent": kl, "kl": sum(kl)}
    return {
        "run": run,
        "state": "finished",
        "config": {"beta": 4.0, "latents": 2, "seed": 3, "optimizer": {"lr": 0.01}},
        "data": {"shape": [1, 64, 64]},
        "evaluations": {"e": evaluation},
        **others,
    }


def test_a_seed_without_another_live_one_is_undefined_not_failed():
    kl, reason = [0.5, 3.0], "UDR is undefined: no other seed of the setting uses a latent"
    one = result("a", kl, None)
    one["evaluations"]["e"]["measures"]["udr"]["reason"] = reason
    (read,) = rows_from_results([one], "e", "udr")
    assert (read.state, read.reason) == ("undefined", reason)


def test_two_seeds_of_udr_are_one_comparison():
    rows = [r for r in udr_rows(scores=SHARP) if r.seed < 2]
    best = answer(rows).best
    assert best.verdict == "cannot tell" and "is a single comparison" in best.reasons[0]
    assert answer([r for r in udr_rows(scores=SHARP) if r.seed < 3]).best.verdict == "clear"


def test_a_clear_answer_says_when_training_was_short():
    rows = [replace(r, health=RunHealth(3, unconverged=True)) for r in udr_rows(scores=SHARP)]
    best = answer(rows).best
    assert best.verdict == "clear"
    assert "the loss of 20 of 20 runs was still falling" in " ".join(best.sentences)


def test_when_all_failed_there_is_no_level_to_count_them_at():
    rows = [row(beta, 5, 0, (), state="failed") for beta in (1.0, 4.0, 16.0)]
    assert "3 of 3 runs failed." in answer(rows).best.sentences


def test_the_collapse_of_older_results_is_known_from_their_kl():
    dead, one = rows_from_results(
        [result("a", [0.001, 0.0], 0.0), result("b", [0.001, 3.0], 0.8)], "e", "udr"
    )
    assert (dead.state, dead.scores, dead.health.collapsed) == ("undefined", (), True)
    assert "no latent is alive" in dead.reason
    assert (one.state, one.health.live_latents, one.health.collapsed) == ("finished", 1, False)


def test_the_recorded_health_takes_precedence_over_a_guess():
    health = {"live_latents": 2, "collapsed": False, "diverged": False, "unconverged": True}
    (read,) = rows_from_results([result("a", [0.001, 0.0], None, health=health)], "e", "udr")
    assert read.health.live_latents == 2 and read.health.unconverged
    assert (read.state, read.shared["optimizer.lr"]) == ("failed", 0.01)


def test_a_clear_answer_at_an_end_of_the_range_says_so():
    rising = {0.25: 0.1, 1.0: 0.3, 4.0: 0.5, 16.0: 0.8, 64.0: 0.803}
    said = " ".join(answer(udr_rows(scores=rising)).best.sentences)
    assert "may lie beyond the highest" in said or "It is the highest β tried" in said
    assert "β tried at this latent size" not in " ".join(
        answer(udr_rows(scores=SHARP)).best.sentences
    )


def test_where_all_models_collapsed_none_is_recommended():
    rows = [
        row(beta, 5, seed, (0.25,), health=DEAD, chance=0.25)
        for beta in (0.5, 1.0, 4.0, 16.0)
        for seed in range(3)
    ]
    best = answer(rows).best
    first, *_ = best.sentences
    assert first.startswith("No setting is worth using: even of the best, ")
    assert first.endswith("3 of 3 models collapsed.")
    assert headline(best).startswith("no best β: of those tried, ")
    assert headline(best).endswith("comes first, with score 0.250 ± 0.000 over 3 seeds")
    assert best.to_json()["usable"] is False


def test_where_scores_are_at_their_floor_there_is_no_best_beta():
    for mean, usable in ((0.24, False), (0.9, True)):
        rows = [
            row(beta, 5, seed, (mean + 0.01 * seed,), metric="higgins", floor=Floor(0.25, 0.02, 5))
            for beta in (0.5, 1.0, 4.0, 16.0)
            for seed in range(3)
        ]
        found = answer(rows)
        best = found.best
        assert best.to_json()["usable"] is usable
        assert headline(best).startswith("best β: " if usable else "no best β: ")
        assert best.sentences[0].startswith("Use β" if usable else "No setting is worth using: ")
        label = answer_card(found.choice, SweepFacts(), found).label
        assert label.startswith("The best β" if usable else "No β is worth using")


def test_without_any_score_the_headline_promises_none():
    rows = [row(beta, 5, 0, ()) for beta in (1.0, 2.0, 4.0)]
    assert headline(answer(rows).best) == "no best β: no run has a score"
