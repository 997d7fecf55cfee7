"""The best beta and its error bar: known curves, verdicts, invariances, and very little data."""

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest

from evaluation.analysis.answer import Answer
from evaluation.analysis.conclude import answer
from evaluation.analysis.recommend import rank
from evaluation.analysis.table import RunRow
from tests.benchmarks.coverage import measure
from tests.evaluation.analysis.sweeps import inverted_u, make_rows
from trainer.errors import UserError

BETAS = tuple(np.geomspace(0.5, 128, 9))


@pytest.fixture(scope="module")
def rows() -> list[RunRow]:
    return make_rows(inverted_u(7.0), BETAS)


@pytest.fixture(scope="module")
def found(rows: list[RunRow]) -> Answer:
    return answer(rows)


def test_a_clear_top_is_found(found: Answer):
    low, high = found.best.interval
    assert found.best.verdict == "clear" and not found.best.reasons
    assert low < 7.0 < high < 4 * low
    assert low <= found.best.top.beta <= high
    assert low <= found.best.beta <= high
    assert found.best.beta == pytest.approx(8.0)
    assert found.best.tied[0] is found.best.setting
    assert "settle this" in str(found)


def test_beta_and_beta_norm_agree(found: Answer):
    ratio = 10 / 4096
    assert found.best.beta_norm == pytest.approx(found.best.beta * ratio)
    assert found.best.top.beta_norm == pytest.approx(found.best.top.beta * ratio)
    assert found.best.interval_norm == pytest.approx([b * ratio for b in found.best.interval])


def test_probabilities_are_probabilities(found: Answer):
    assert sum(found.probability_best.values()) == pytest.approx(1)
    assert found.probability_best[found.best.setting.beta, 10] == found.best.probability_best
    assert found.probability_latents == {10: 1.0}


def test_the_curve_follows_the_scores(found: Answer):
    curve = found.curve(10)
    truth = [inverted_u(7.0)(b * 4096 / 10, 10) for b in curve.beta_norm]
    assert np.all(curve.low <= curve.mean) and np.all(curve.mean <= curve.high)
    assert np.all(np.diff(curve.beta_norm) > 0)
    assert np.mean((curve.low <= truth) & (truth <= curve.high)) > 0.8
    with pytest.raises(UserError, match="no setting has 7 latents"):
        found.curve(7)


def test_answers_can_be_written_as_json(found: Answer):
    read = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert read["best"]["verdict"] == "clear" and len(read["best"]["interval"]) == 2
    assert read["best"]["beta"] == read["per_latents"]["10"]["beta"] == found.best.beta
    new = {"within", "probability_within", "expected_loss", "good", "good_beta", "factors"}
    assert new | {"health", "run", "floor"} <= read["best"].keys()


def test_the_same_seed_gives_the_same_answer(rows: list[RunRow], found: Answer):
    assert answer(rows).to_json() == found.to_json()
    other = answer(rows, seed=1)
    assert other.best.top != found.best.top
    assert other.best.interval == pytest.approx(found.best.interval, rel=0.25)


@pytest.mark.parametrize("shuffle", range(3))
def test_the_order_of_the_rows_does_not_matter(rows: list[RunRow], found: Answer, shuffle: int):
    shuffled = random.Random(shuffle).sample(rows, len(rows))
    assert answer(shuffled).to_json() == found.to_json()


def test_scaled_scores_give_the_same_beta(rows: list[RunRow], found: Answer):
    scaled = answer(
        [replace(r, scores=tuple(40 * s - 7 for s in r.scores)) for r in rows], within=0.4
    )
    assert scaled.best.interval == pytest.approx(found.best.interval)
    assert scaled.best.probability_within == pytest.approx(found.best.probability_within)
    assert scaled.best.expected_loss == pytest.approx(40 * found.best.expected_loss)
    assert scaled.probability_best == pytest.approx(found.probability_best)


def test_lower_is_better_mirrors_higher_is_better(rows: list[RunRow], found: Answer):
    mirrored = answer(
        [replace(r, scores=tuple(-s for s in r.scores)) for r in rows], goal="minimize"
    )
    assert mirrored.best.interval == pytest.approx(found.best.interval)
    assert mirrored.best.standing.expected == pytest.approx(-found.best.standing.expected)
    assert mirrored.curve(10).low == pytest.approx(-found.curve(10).high)
    assert mirrored.best.setting.beta == found.best.setting.beta


def test_a_higher_level_widens_the_interval(rows: list[RunRow], found: Answer):
    low, high = answer(rows, level=0.99).best.interval
    assert low <= found.best.interval[0] and found.best.interval[1] <= high
    assert high / low > found.best.interval[1] / found.best.interval[0]


def test_with_flat_scores_it_cannot_tell():
    best = answer(make_rows(lambda beta, m: 0.5, BETAS)).best
    assert best.verdict == "cannot tell"
    assert "flat" in best.reasons[0]
    assert len(best.tied) > len(BETAS) / 2


@pytest.mark.parametrize(("top", "side"), [(0.1, "lowest"), (900.0, "highest")])
def test_a_top_beyond_the_range_names_the_side_to_widen(top: float, side: str):
    best = answer(make_rows(inverted_u(top), BETAS)).best
    assert best.verdict == "cannot tell"
    assert f"beyond the {side} one tried" in best.reasons[0] and "widen" in best.reasons[0]


def test_with_large_noise_it_cannot_tell_and_asks_for_seeds():
    rows = make_rows(inverted_u(7.0, height=0.2), BETAS, seeds=3, spread=0.2, draw=2)
    best = answer(rows).best
    assert best.verdict == "cannot tell"
    assert "would settle it" in best.reasons[-1]


def test_each_latent_size_has_its_own_top():
    tops = {5: 3.0, 20: 20.0}
    found = answer(
        make_rows(
            lambda b, m: inverted_u(tops[m])(b, m) - (0.1 if m == 5 else 0), BETAS, latents=(5, 20)
        )
    )
    for latents, top in tops.items():
        low, high = found.per_latents[latents].interval
        assert low < top < high
        assert found.per_latents[latents].latents == latents
    assert found.best.latents == 20
    assert found.probability_latents[20] > 0.95
    assert not any("not settled" in said for said in found.best.sentences)


def test_equal_latent_sizes_are_reported_as_unsettled():
    found = answer(make_rows(inverted_u(7.0), BETAS, latents=(10, 11)))
    assert any("not settled" in said for said in found.best.sentences)
    assert found.probability_latents[10] > 0.05 and found.probability_latents[11] > 0.05


def test_among_the_tied_the_most_faithful_is_named():
    def plateau(beta: float, m: int) -> float:
        return 0.9 if 3 < beta < 33 else 0.5

    found = answer(make_rows(plateau, BETAS, spread=0.03, reconstruction=lambda beta: -beta))
    assert len(found.tied) >= 2
    assert found.best.faithful is found.best.setting is min(found.tied, key=lambda s: s.beta)


def test_a_setting_is_tied_with_the_confidence_that_is_asked_for(found: Answer):
    settings = [standing.setting for standing in found.standings[:3]]
    draws = np.zeros((100, 3))
    draws[95:, 0] = draws[:15, 1] = draws[:, 2] = -1.0  # as good as the best in 95, 85 and 0 of 100

    def tied(confidence: float) -> list[bool]:
        return [s.tied for s in rank(settings, draws, 1.0, 0.9, 0.01, confidence)]

    assert tied(0.8) == [True, True, False]
    assert tied(0.9) == [True, False, False]


def test_no_mean_is_above_the_ceiling_of_the_score(found: Answer):
    settings = [standing.setting for standing in found.standings[:2]]
    draws = np.array([[1.2, 0.995], [0.8, 0.9]])
    free, capped = (
        rank(settings, draws, 1.0, 0.9, 0.01),
        rank(settings, draws, 1.0, 0.9, 0.01, ceiling=1.0),
    )
    assert [s.setting is settings[0] for s in free] == [True, False]
    assert [s.probability_within for s in free] == [0.5, 0.5]
    assert [s.setting is settings[1] for s in capped] == [True, False]
    assert [s.probability_within for s in capped] == [1.0, 0.5]
    assert all(s.high <= 1 for s in capped)


# Higgins scores of the quick sweep's seeds, by latent size and beta
QUICK = {
    (10, 1): (0.677, 0.774, 0.923, 0.936),
    (10, 2): (0.878, 0.896, 0.931, 0.982),
    (10, 4): (0.998, 0.998, 0.998, 0.998),
    (10, 8): (0.997, 0.997, 0.998, 0.998),
    (10, 16): (0.5, 0.507, 0.509, 0.515),
    (20, 1): (0.86, 0.888, 0.932, 0.986),
    (20, 2): (0.923, 0.987, 0.987, 0.989),
    (20, 4): (0.798, 0.96, 0.997, 0.998),
    (20, 8): (0.757, 0.763, 0.995, 0.995),
    (20, 16): (0.248, 0.496, 0.498, 0.508),
}


def test_a_setting_at_the_ceiling_has_little_to_lose():
    rows = [
        RunRow(f"{m}-{beta}-{seed}", "finished", beta, beta * m / 1024, m, seed, (score,))
        for (m, beta), scores in QUICK.items()
        for seed, score in enumerate(scores)
    ]
    unknown = answer(rows).best
    found = answer([replace(row, metric="higgins") for row in rows])
    known = found.best
    assert max(curve.high.max() for curve in found.curves.values()) <= 1
    assert (known.setting.beta, known.setting.latents) == (4, 10)
    assert known.standing.probability_within > unknown.standing.probability_within + 0.1
    assert known.standing.high <= 1 < unknown.standing.high


def test_no_known_reconstruction_names_none(found: Answer):
    assert found.best.faithful is None


def test_failed_seeds_are_penalised(rows: list[RunRow], found: Answer):
    best_beta = found.best.setting.beta
    failing = [
        replace(r, state="failed", scores=()) if r.beta == best_beta and r.seed < 4 else r
        for r in rows
    ]
    damaged = answer(failing)
    assert damaged.best.setting.beta != best_beta
    assert any("4 of 54 runs failed" in said for said in damaged.best.sentences)


def test_a_setting_is_named_by_the_options_that_it_has():
    plain = {"objective": "beta_vae", "objective_options.p0": None}
    isa = {"objective": "isa_vae", "objective_options.p0": 4}
    rows = [
        *make_rows(inverted_u(2.0), BETAS, parameters=plain),
        *make_rows(inverted_u(2.0, height=0.37), BETAS, parameters=isa),
    ]
    said = str(answer(rows))
    assert ", objective isa_vae, p0 4" in said and "None" not in said


def test_objectives_have_curves_of_their_own():
    low = make_rows(inverted_u(2.0), BETAS, parameters={"objective": "beta_vae"})
    high = make_rows(inverted_u(30.0, height=0.37), BETAS, parameters={"objective": "factor_vae"})
    best = answer(low + high).best
    assert best.parameters == {"objective": "factor_vae"}
    assert best.interval[0] < 30.0 < best.interval[1]


def test_a_parameter_that_scatters_is_noise():
    rows = [
        replace(row, parameters={"optimizer.lr": 1e-3 * (1 + row.beta)})
        for row in make_rows(inverted_u(7.0), BETAS)
    ]
    found = answer(rows)
    assert found.scattered == ("optimizer.lr",)
    assert any("(lr)" in said for said in found.best.sentences)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(make_rows(inverted_u(7), (1, 4, 16), seeds=1, classifiers=1), id="3 settings"),
        pytest.param(make_rows(inverted_u(7), (4,)), id="1 setting"),
        pytest.param(make_rows(inverted_u(7), (4,), latents=(2, 10)), id="1 beta"),
        pytest.param(make_rows(inverted_u(7), (2, 8)), id="2 betas"),
        pytest.param(make_rows(lambda b, m: 0.5, BETAS, spread=0.0), id="equal scores"),
        pytest.param(make_rows(lambda b, m: 0.0, BETAS, spread=0.0), id="all zero"),
    ],
)
def test_with_next_to_no_data_it_cannot_tell(rows: list[RunRow]):
    found = answer(rows)
    low, high = found.best.interval
    assert 0 < low <= found.best.top.beta <= high < math.inf
    assert found.best.verdict == "cannot tell" and found.best.reasons
    json.dumps(found.to_json(), allow_nan=False)


def test_noiseless_scores_are_no_trouble():
    best = answer(make_rows(inverted_u(8.0), BETAS, spread=0.0)).best
    assert best.verdict == "clear" and best.interval[0] < 8 < best.interval[1]


def test_single_seeds_at_scattered_points_are_enough_to_find_the_top():
    rng = np.random.default_rng(3)
    betas = np.exp(rng.uniform(math.log(0.5), math.log(128), 30))
    found = answer(make_rows(inverted_u(7.0), betas, seeds=1, classifiers=1))
    assert found.best.interval[0] < 7 < found.best.interval[1] and 5 < found.best.beta < 9
    assert math.isnan(found.variance.seed) and math.isnan(found.variance.classifier)
    assert any("one seed" in said for said in found.best.sentences)


def test_beta_zero_is_left_out_and_reported(rows: list[RunRow], found: Answer):
    zero = RunRow("zero", "finished", 0.0, 0.0, 10, 0, (0.99,))
    with_zero = answer([*rows, zero])
    assert with_zero.best.interval == found.best.interval
    assert any("beta = 0" in said for said in with_zero.best.sentences)


def test_having_no_finished_run_is_a_users_error():
    failed = answer([RunRow("a", "failed", 4.0, 0.01, 10, 0, chance=0.25)]).best
    assert failed.verdict == "cannot tell" and "No run with beta above 0" in failed.reasons[0]
    for wrong in ({"level": 90}, {"within": 0.0}, {"within": math.nan}):
        with pytest.raises(UserError, match=next(iter(wrong))):
            answer([RunRow("a", "finished", 4.0, 0.01, 10, 0, (0.5,))], **wrong)


@pytest.mark.parametrize("case", ["flat", "sharp", "plateau", "edge"])
def test_simulated_sweeps_are_answered_honestly(case: str):
    figures = measure(case, sweeps=5)
    assert figures["top"] >= 0.6 and figures["loss"] <= 0.02
    assert figures["steady"] >= 0.8  # one more seed per setting leaves the verdict as it is
    assert (figures["clear"] > 0.5) == (case in ("sharp", "plateau"))
