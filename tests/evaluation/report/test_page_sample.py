"""A page holds a part of a very large sweep, and says so; the table next to it has all runs."""

import csv

import pytest

from evaluation.analysis.choose import choose
from evaluation.report import contents, page_sample
from evaluation.report.report import write_report
from tests.evaluation.analysis.sweeps_of_rows import inverted_u

ROWS = inverted_u(failed={(64.0, 20, 0)})


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(page_sample, "SETTINGS", 10)
    monkeypatch.setattr(page_sample, "RUNS", 30)


def test_a_small_sweep_is_shown_whole():
    choice = choose(ROWS)
    page = page_sample.on_page(ROWS, choice)
    assert page.rows == tuple(ROWS) and page.choice is choice and page.note == ""


def test_a_part_has_the_best_settings_and_some_of_all_others(small):
    choice = choose(ROWS)
    page = page_sample.on_page(ROWS, choice)
    assert page.choice.settings[:5] == choice.settings[:5]
    assert page.choice.settings[-1] in choice.settings[-6:]
    assert {id(s) for s in choice.per_latents.values()} <= {id(s) for s in page.choice.settings}
    assert len(page.choice.settings) <= 10 + len(choice.per_latents)


def test_a_part_has_a_typical_run_of_each_setting_then_failed_ones_then_the_best(small):
    choice = choose(ROWS)
    page = page_sample.on_page(ROWS, choice)
    runs = {row.run for row in page.rows}
    assert len(page.rows) == 30
    assert all(s.representative.run in runs for s in page.choice.settings if s.representative)
    best = choice.best
    first, second, *_ = page_sample._most_telling_first(best, choice)
    assert first is best.representative
    assert second.score == max(row.score for row in best.rows if row is not first)
    failing = next(s for s in choice.settings if s.failed)
    assert page_sample._most_telling_first(failing, choice)[1].state == "failed"


def test_a_page_with_part_of_the_runs_says_so_and_the_table_has_all(small, tmp_path):
    page = write_report(ROWS, choose(ROWS), tmp_path, name="large").read_text("utf-8")
    assert "This page shows 30 of 108 runs and 1" in page and "runs.csv, next to this page" in page
    assert page.count('class="run"') == 30 and "All runs</h2>" not in page
    with open(tmp_path / "runs.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["run"] for line in table] == [row.run for row in ROWS]
    failed = next(line for line in table if line["state"] == "failed")
    assert failed["score"] == "" and failed["reason"] == "loss is not finite at step 1200"
    assert float(table[0]["beta"]) == ROWS[0].beta and float(table[0]["score"]) == ROWS[0].score


def test_of_very_many_failed_runs_the_first_are_listed(monkeypatch):
    monkeypatch.setattr(contents, "FAILURES", 2)
    failed = [row for row in inverted_u(failed={(64.0, 20, seed) for seed in range(4)})]
    table = contents.failures(failed)
    assert table.caption == "4 failed runs; the first 2 are listed" and len(table.rows) == 2
