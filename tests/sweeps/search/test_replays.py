"""The benchmark of searches: its bound, its curves, its tables, and that it can be continued."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.search.bound import fewest_runs, runs_if_told
from tests.benchmarks.search.confirming import claims, stopped
from tests.benchmarks.search.found import Found
from tests.benchmarks.search.markdown import in_markdown
from tests.benchmarks.search.replay import Replay
from tests.benchmarks.search.tables import TABLES, Table


def test_the_bound_of_two_alike_settings_is_that_of_the_textbook():
    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        scores = rng.standard_normal((1, 2, count))
        centred = scores - scores.mean(axis=2, keepdims=True)
        return 0.05 * centred / centred.std(axis=2, ddof=1, keepdims=True)

    table = Table("two", (10,), (1.0, 2.0), 256, np.array([[0.9, 0.88]]), draw)
    evidence = 0.9 * math.log(19)  # kl(0.05, 0.95)
    expected = 8 * 0.05**2 / (0.02 + 0.01) ** 2 * evidence
    assert fewest_runs(table, 0.01, 0.05) == pytest.approx(expected, rel=0.01)
    assert runs_if_told(table, 1, 0.01, 0.05) == 1  # it cannot be wrong
    assert runs_if_told(table, 2, 0.03, 0.05) == 2


def test_a_beta_between_those_of_the_table_counts_as_the_nearest_on_the_log_scale():
    table = Table("two", (5, 10), (1.0, 4.0, 16.0), 256, np.zeros((2, 3)), lambda rng, count: rng)
    assert [table.cell(beta, 10) for beta in (1.9, 2.1, 4.0, 90.0)] == [
        (1, n) for n in (0, 1, 1, 2)
    ]


def test_a_claim_counts_where_enough_rounds_running_were_certain():
    said = np.array([0.99, 0.5, 0.96, 0.97, 0.98])
    race = Replay(np.arange(8, 48, 8), np.array([0.2, 0.0, 0.2, 0.0, 0.0]), 0.98, said)
    assert [stopped(race, rounds) for rounds in (1, 2, 3, 4)] == [0, 3, 4, None]
    assert claims([race], 1) == {"rounds": 1, "claims": 1, "kept": 0, "runs": 8.0}
    assert claims([race], 4) == {"rounds": 4, "claims": 0, "kept": 0, "runs": 40.0}


def test_drawn_curves_differ_and_are_drawn_again_alike():
    tables = [TABLES["drawn"](number) for number in (0, 5, 5)]
    assert np.ptp(tables[0].means - tables[1].means) > 0.01
    assert (tables[1].means == tables[2].means).all()
    assert all(table.means.shape == (4, 14) for table in tables)


def test_a_replay_is_kept_and_a_line_cut_off_is_not_counted(tmp_path):
    path = tmp_path / "found.jsonl"
    one = Replay(np.array([8, 16]), np.array([0.2, 0.004]), 0.9)
    Found(path).add("real", "race", 3, one)
    with path.open("a") as file:
        file.write('["real", "race", 4, [8')
    again = Found(path)
    assert ("real", "race", 3) in again
    [found] = again.of("real", "race")
    assert found.loss_at(np.array([1, 8, 15, 99])).tolist() == [0.2, 0.2, 0.2, 0.004]
    assert found.said == 0.9
    again.add("real", "race", 4, one)
    assert len(Found(path).of("real", "race")) == 2


def test_the_tables_of_the_docs_are_those_of_the_figures_that_are_shipped():
    root = Path(__file__).parents[3]
    figures = json.loads((root / "sweeps/reference/search/replays.json").read_text())["rows"]
    tables = in_markdown(figures).split("\n\n")
    assert len(tables) == 4
    assert all(table in (root / "docs/measurements.md").read_text() for table in tables)
