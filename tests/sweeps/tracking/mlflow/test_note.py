"""MLflow's notes: they promise no best beta, and no model to use, where there is none."""

import pytest

from evaluation.analysis.conclude import answer
from evaluation.analysis.table import Floor
from sweeps.tracking.mlflow.note import model_card, sweep_note
from tests.evaluation.analysis.sweeps_of_rows import row


@pytest.mark.parametrize("mean", [0.24, 0.9])
def test_where_scores_are_at_their_floor_there_is_no_best_beta(mean):
    rows = [
        row(beta, 5, seed, (mean + 0.01 * seed,), metric="higgins", floor=Floor(0.25, 0.02, 5))
        for beta in (0.5, 1.0, 4.0, 16.0)
        for seed in range(3)
    ]
    found = answer(rows)
    heading = sweep_note(found, "higgins", None).splitlines()[0]
    card = model_card(found.best, "digits", "higgins")
    if mean > 0.25:
        assert heading == f"# Best β {found.best.beta:g}"
        assert "The β-VAE to use from the sweep" in card and "not worth using" not in card
    else:
        assert heading == f"# No best β: of those tried, {found.best.beta:g} comes first"
        assert "to use from" not in card and "It is not worth using: the score is no" in card


def test_a_sweep_of_another_parameter_is_headed_by_it():
    name = "likelihood_options.variance"
    rows = [
        row(1.0, 5, seed, (score + 0.01 * seed,), run=f"{value}{seed}", parameters={name: value})
        for value, score in ((0.01, 0.5), (0.1, 0.9))
        for seed in range(3)
    ]
    heading, _, facts, *_ = sweep_note(answer(rows), "higgins", None).splitlines()
    assert heading == "# Best σ² 0.1" and "interval" not in facts and "σ² 0.1" in facts
