"""Among settings that the metric cannot tell apart, what they keep of the factors decides."""

import dataclasses

import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.analysis.factors import Knowledge
from evaluation.analysis.run_health import RunHealth
from evaluation.analysis.table import Floor
from tests.evaluation.analysis.sweeps_of_rows import row

# of a sweep of 2D shapes: Higgins cannot see that orientation is lost
KNOWN = {0.25: (0.66, 0.96), 1.0: (0.29, 0.94), 2.0: (0.09, 0.89), 4.0: (0.01, 0.82), 16.0: (0, 0)}
SCORES = {0.25: 0.97, 1.0: 0.9975, 2.0: 0.998, 4.0: 0.999, 16.0: 0.5}


def rows(scores=SCORES, known=KNOWN, metric="higgins", **others):
    return [
        row(
            beta,
            10,
            seed,
            (score + 0.0005 * (seed % 2),),
            metric=metric,
            reconstruction=-20 - beta + 0.1 * seed,
            factors={
                "orientation": Knowledge(known[beta][0], known[beta][0] / 2),
                "scale": Knowledge(known[beta][1], known[beta][1] / 2),
            },
            **others,
        )
        for beta, score in scores.items()
        for seed in range(4)
    ]


def test_the_setting_with_most_factors_is_recommended_and_the_metrics_own_best_stays_visible():
    found = answer(rows()).best
    assert found.beta == 1.0 and found.favourite.beta == 4.0
    assert found.verdict == "clear" and found.probability_within > 0.8
    assert found.good_beta == (1.0, 4.0)
    said = " ".join(found.sentences)
    assert (
        "The metric's favourite is β 4, M 10" in said
        and "keeps 2 of 2 factors, the favourite 1" in said
    )
    assert "orientation is not encoded at β = 4 (0.01 of 1); it is at β = 0.25 (0.66)." in said
    assert "at its ceiling (0.999 of 1)" in said
    read = found.to_json()
    assert read["factors"]["orientation"] == {"known": 0.29, "best_latent": 0.145}
    assert read["favourite"]["beta"] == 4.0


def test_with_equal_factors_the_better_reconstruction_is_used():
    known = {beta: (0.5, 0.5) for beta in SCORES}
    found = answer(rows(known=known)).best
    assert found.beta == 1.0
    assert "reconstructs better (−20.9 against −23.9 nats per image)" in " ".join(found.sentences)


def test_a_metric_that_tells_them_apart_decides():
    found = answer(rows({0.25: 0.5, 1.0: 0.6, 2.0: 0.7, 4.0: 0.95, 16.0: 0.5})).best
    assert found.beta == found.favourite.beta == 4.0
    assert any("orientation is not encoded at β = 4" in said for said in found.sentences)


def test_factors_that_no_setting_encodes_are_named_together():
    found = answer(rows(known=dict.fromkeys(SCORES, (0.01, 0.0)))).best
    lost = [said for said in found.sentences if "not encoded" in said]
    beta = f"{found.beta:g}"
    expected = "orientation and scale are not encoded at β = {} (at most 0.01 of 1), {}"
    assert lost == [expected.format(beta, "nor at any other setting.")]


def test_reconstructions_under_different_likelihoods_are_not_compared():
    known = {beta: (0.5, 0.5) for beta in SCORES}
    plain = rows(known=known, parameters={"likelihood": "gaussian"})
    other = [
        dataclasses.replace(
            r,
            run=f"{r.run}-b",
            parameters={"likelihood": "bernoulli"},
            reconstruction=r.reconstruction + 1000,  # nats of something else
            scores=tuple(s - 0.002 for s in r.scores),
        )
        for r in plain
    ]
    found = answer([*plain, *other]).best
    assert found.parameters == {"likelihood": "gaussian"} and found.beta == 1.0
    assert any("different likelihoods are not compared" in said for said in found.sentences)


def test_the_floor_is_reported_and_the_ceiling_where_there_is_one():
    found = answer(rows(floor=Floor(0.31, 0.05, 5))).best
    assert any("floor of the Higgins score is 0.310 ± 0.050" in said for said in found.sentences)
    assert found.to_json()["floor"] == pytest.approx({"mean": 0.31, "spread": 0.05, "shuffles": 20})
    unbounded = answer(rows(metric="indicators"), goal="maximize").best
    assert not any("ceiling" in said for said in unbounded.sentences)


def test_the_representative_is_typical_and_not_the_luckiest():
    scores = (0.90, 0.91, 0.92, 0.99, 0.55)
    reconstructions = (-30.0, -20.0, -20.5, -29.0, -21.0)
    setting = choose(
        row(4.0, 10, seed, (score,), reconstruction=nats)
        for seed, (score, nats) in enumerate(zip(scores, reconstructions, strict=True))
    ).best
    # seed 1 has the median score, a nat off the median reconstruction; seed 2 is nearer in all
    assert setting.representative.seed == 2
    assert setting.representative is not max(setting.rows, key=lambda r: r.score)


def test_a_collapsed_run_represents_nothing_while_there_is_another():
    ill = RunHealth(live_latents=0, collapsed=True)
    setting = choose(
        [
            *(row(4.0, 10, seed, (0.5,), health=ill) for seed in range(3)),
            row(4.0, 10, 3, (0.9,), health=RunHealth(4)),
        ]
    ).best
    assert setting.representative.seed == 3
