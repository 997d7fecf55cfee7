"""What the store holds under a name is always answerable: other metrics, spaces, seeds."""

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.identity import evaluation_id
from evaluation.result_file import read_result, write_result
from sweeps import api
from sweeps.cli.main import main
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweep_results import status
from sweeps.sweepfile import SweepSpec
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up

DATA = a_dataset()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def do(spec: SweepSpec, store: Store, blocks: int = 99) -> Sweep:
    """The sweep with the runs of its first trials; the lower β, the better."""
    sweep = Sweep(spec, store, DATA)
    sweep.save()
    queue = TrialQueue.resume(sweep)
    for _ in range(blocks):
        if not isinstance(block := queue.next(), Block):
            break
        for run in block.runs:
            write_made_up(store, spec, DATA, run, 0.9 - 0.01 * run.config.beta)
        queue.ended(block)
    return sweep


def score_by_mig(sweep: Sweep, scores: dict[float, float]) -> None:
    """Adds to every run of the sweep an evaluation by Higgins and MIG."""
    evaluation = {"higgins": {"protocol": "paper"}, "mig": {}}
    for folder in sorted(sweep.store.path("runs").iterdir()):
        result = read_result(folder)
        assert result is not None
        beta = result["config"]["beta"]
        (old,) = result["evaluations"].values()
        measures = {**old["measures"], "mig": {"score": scores[beta]}}
        added: Any = {evaluation_id(evaluation, DATA): {**old, "measures": measures}}
        result["evaluations"] |= added
        write_result(folder, result)


def test_another_metric_keeps_the_answer_and_the_report_of_the_first(store: Store) -> None:
    sweep = do(a_spec(), store)
    before = api.best("made-up", store)
    mig = Sweep(a_spec(metric="mig"), store, DATA)
    mig.save()
    score_by_mig(sweep, {1: 0.1, 4: 0.3, 16: 0.2})
    after = api.best("made-up", store)
    assert (after.beta, after.score, after.run) == (before.beta, before.score, before.run)
    assert after.beta == 1
    assert api.best(a_spec(metric="mig"), store).beta == 4
    assert mig.report_key == "sweeps/made-up/report-mig"
    assert sweep.report_key == "sweeps/made-up/report"
    assert {m: best.beta for m, best in api.of_other_metrics(sweep).items()} == {"mig": 4}
    named = Sweep(a_spec(metric="higgins"), store, DATA)  # what `auto` stands for
    assert named.is_first_metric


def test_another_data_set_takes_the_name_over(store: Store) -> None:
    do(a_spec(), store, 1)
    other = a_spec(metric="mig", trainer={"architecture": "mlp", "steps": 11})
    assert Sweep(other, store, DATA).is_first_metric


def test_a_changed_range_keeps_the_runs_within_it(store: Store) -> None:
    do(a_spec(), store)
    wider = Sweep(
        a_spec(parameters={"latents": {"values": [2]}, "beta": {"values": [4, 8, 16]}}), store, DATA
    )
    snapshot = wider.snapshot()
    assert sorted({row.beta for row in snapshot.rows}) == [4, 16]
    assert snapshot.remarks == ("4 of 6 runs are scored so far.",)
    now = status(wider.spec, store, wider.held())
    assert (now.finished, now.pending, now.settings) == (4, 2, 2)


def test_earlier_runs_within_a_new_range_count_next_to_what_is_proposed(store: Store) -> None:
    do(a_spec(), store)
    space = {"latents": {"values": [2, 4]}, "beta": {"min": 2, "max": 20}}
    random = Sweep(a_spec(method="random", settings=3, parameters=space), store, DATA)
    assert sorted({row.beta for row in random.snapshot().rows}) == [4, 16]
    assert "8 runs of earlier settings of this sweep" in random.snapshot().remarks[1]
    assert status(random.spec, store, random.held()).earlier == 8


def test_more_seeds_keep_an_answer_that_says_what_it_is_based_on(store: Store) -> None:
    do(a_spec(), store)
    more = Sweep(a_spec(seeds=5), store, DATA)
    assert len(more.snapshot().rows) == 12
    (remark,) = more.snapshot().remarks
    assert remark == "12 of 30 runs are scored so far; 6 settings have only some of their seeds."
    assert api.best(a_spec(seeds=5), store).sentences[0] == remark
    now = status(more.spec, store, more.held())
    assert (now.finished, now.pending, now.settings) == (12, 18, 0)


def test_a_space_without_runs_is_answered_from_what_was_tried_before(store: Store) -> None:
    do(a_spec(), store)
    elsewhere = a_spec(parameters={"latents": {"values": [3]}, "beta": {"values": [2]}})
    snapshot = Sweep(elsewhere, store, DATA).snapshot()
    assert len(snapshot.rows) == 12
    assert snapshot.remarks[0] == "0 of 2 runs are scored so far."


def test_runs_of_another_sweep_count(store: Store) -> None:
    do(a_spec(name="other"), store)
    assert len(Sweep(a_spec(), store, DATA).snapshot().rows) == 12


def test_a_setting_edited_by_hand_is_proposed_again(store: Store) -> None:
    sweep = do(a_spec(), store, 1)
    (file,) = store.path(f"sweeps/made-up/{sweep.spec.search_id}/settings").iterdir()
    record = json.loads(file.read_text())
    for parameters in ({"latents": 2, "beta": 99}, {}):
        file.write_text(json.dumps({**record, "parameters": parameters}))
        assert 0 not in sweep.proposed()
        block = TrialQueue.resume(sweep).next()
        assert isinstance(block, Block) and block.setting.parameters["beta"] == 4


def test_best_names_the_other_metrics(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = do(a_spec(), store)
    Sweep(a_spec(metric="mig"), store, DATA).save()
    score_by_mig(sweep, {1: 0.1, 4: 0.3, 16: 0.2})
    at = ["best", "made-up", "--store", str(store.root)]
    assert main([*at, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"]["beta"] == 1 and found["metrics"]["mig"]["best"]["beta"] == 4
    assert main(at) == 0
    assert "by MIG: β = 4" in capsys.readouterr().out
