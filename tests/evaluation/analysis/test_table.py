"""Rows from stored results and from MLflow's data frames."""

import math

import pandas
import pytest

from evaluation.analysis.table import rows_from_dataframe, rows_from_results
from trainer.errors import UserError


def result(run="a", beta=4.0, state="finished", scores=(0.9, 0.8, 1.0), lr=0.01, **others):
    measured = {"score": 0.9, "scores": list(scores), "chance": 0.25}
    evaluation = {
        "measures": {"higgins": measured},
        "reconstruction": -21.5,
        "kl": 8.0,
        "kl_per_latent": [5.0, 3.0],
    }
    config = {"beta": beta, "latents": 2, "seed": 3, "optimizer": {"name": "adam", "lr": lr}}
    return {
        "run": run,
        "state": state,
        "reason": None,
        "config": config,
        "data": {"shape": [1, 64, 64]},
        "evaluations": {"e1": evaluation} if state == "finished" else {},
        **others,
    }


def test_a_finished_result_becomes_a_row(tmp_path):
    (row,) = rows_from_results([result(setting=7, folder=str(tmp_path))], "e1")
    assert (row.run, row.state, row.beta, row.latents, row.seed) == ("a", "finished", 4.0, 2, 3)
    assert row.beta_norm == 4.0 * 2 / 4096
    assert row.scores == (0.9, 0.8, 1.0)
    assert row.score == pytest.approx(0.9)
    assert (row.reconstruction, row.kl, row.kl_per_latent) == (-21.5, 8.0, (5.0, 3.0))
    assert (row.chance, row.setting, row.folder) == (0.25, 7, tmp_path)


def test_colours_count_as_pixels():
    (row,) = rows_from_results([result(data={"shape": [3, 32, 32]})], "e1")
    assert row.beta_norm == 4.0 * 2 / 3072


def test_only_what_varied_counts_as_a_parameter():
    (row,) = rows_from_results([result()], "e1")
    assert row.parameters == {}
    rows = rows_from_results([result("a", lr=0.01), result("b", lr=0.02)], "e1")
    assert [row.parameters for row in rows] == [{"optimizer.lr": 0.01}, {"optimizer.lr": 0.02}]


def test_a_failed_result_keeps_its_reason():
    (row,) = rows_from_results([result(state="failed", reason="loss is not finite")], "e1")
    assert (row.state, row.reason, row.scores) == ("failed", "loss is not finite", ())
    assert math.isnan(row.score) and row.setting == -1 and row.folder is None


def test_a_score_that_is_not_a_number_is_a_failure():
    (row,) = rows_from_results([result(scores=(0.9, None))], "e1")
    assert (row.state, row.scores) == ("failed", ())
    assert "not finite" in row.reason


def test_a_run_given_twice_counts_once():
    assert len(rows_from_results([result(), result()], "e1")) == 1


@pytest.mark.parametrize(("evaluation", "metric"), [("e2", "higgins"), ("e1", "mig")])
def test_a_run_that_was_never_scored_is_an_error(evaluation, metric):
    with pytest.raises(UserError, match=f"run a has no '{metric}' score"):
        rows_from_results([result()], evaluation, metric)


def frame(**columns) -> pandas.DataFrame:
    """As mlflow.search_runs gives it: params and tags are texts, missing ones None, metrics floats.

    In order: the run of the sweep itself, a finished run, a failed one, one still going.
    """
    values = {
        "run_id": ["m0", "m1", "m2", "m3"],
        "status": ["FINISHED", "FINISHED", "FAILED", "RUNNING"],
        "params.beta": [None, "4.0", "8.0", "16.0"],
        "params.latents": [None, "10", "10", "10"],
        "params.beta_norm": [None, "0.01", "0.02", "0.04"],
        "params.seed": [None, "1", "2", "3"],
        "params.optimizer.lr": [None, "0.01", "0.02", "0.01"],
        "params.objective": [None, "beta_vae", "beta_vae", "beta_vae"],
        "metrics.higgins": [0.9, 0.85, math.nan, math.nan],
        "metrics.kl": [math.nan, 8.0, math.nan, math.nan],
        "metrics.kl_per_latent.0": [math.nan, 5.0, math.nan, math.nan],
        "metrics.kl_per_latent.10": [math.nan, 1.0, math.nan, math.nan],
        "metrics.kl_per_latent.2": [math.nan, 2.0, math.nan, math.nan],
        "tags.run": [None, "a", "b", "c"],
        "tags.setting": [None, "0", "1", "2"],
        "tags.reason": [None, "", "loss is not finite", None],
    }
    return pandas.DataFrame(values | columns)


def test_rows_from_mlflow():
    finished, failed = rows_from_dataframe(frame())
    assert (finished.run, finished.beta, finished.latents, finished.seed) == ("a", 4.0, 10, 1)
    assert (finished.beta_norm, finished.scores, finished.setting) == (0.01, (0.85,), 0)
    assert finished.kl == 8.0 and math.isnan(finished.reconstruction) and finished.reason is None
    assert finished.kl_per_latent == (5.0, 2.0, 1.0)  # by number, not by text
    assert finished.parameters == {"optimizer.lr": "0.01"}
    assert (failed.state, failed.reason, failed.scores) == ("failed", "loss is not finite", ())


def test_classifier_scores_and_pixels_from_mlflow():
    none = [math.nan] * 4
    scores = {f"metrics.higgins.scores.{i}": none.copy() for i in range(3)}
    for i, score in enumerate((0.8, 0.9, 1.0)):
        scores[f"metrics.higgins.scores.{i}"][1] = score
    row = rows_from_dataframe(frame(**scores), pixels=1024)[0]
    assert row.scores == (0.8, 0.9, 1.0)
    assert row.beta_norm == 4.0 * 10 / 1024


def test_the_tag_of_the_sweep_takes_precedence_over_mlflows_status():
    states = [None, "setting", "finished", "failed"]
    rows = rows_from_dataframe(frame(**{"tags.state": states, "metrics.higgins": [0.9] * 4}))
    assert [(row.run, row.state) for row in rows] == [("b", "finished"), ("c", "failed")]


def test_a_missing_column_is_named():
    with pytest.raises(UserError, match=r"no column 'metrics.mig'"):
        rows_from_dataframe(frame(), metric="mig")
    with pytest.raises(UserError, match="pass pixels="):
        rows_from_dataframe(frame().drop(columns="params.beta_norm"))
