"""Sweeps that no label is read in: UDR over all seeds of a setting, whoever trained them."""

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.metrics.udr import udr
from sweeps import api, driver
from sweeps.cli.main import main
from sweeps.metric_plan import plan_metrics
from sweeps.plan import load_data
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec, spec_of
from sweeps.trials.trial import Trial
from sweeps.trials.trial_queue import Block, TrialQueue
from sweeps.trials.work_order import config_of, job_of
from trainer.files import sealed, write_json
from trainer.models import load_pack

DATA = {
    "name": "dsprites",
    "size": 16,
    "factors": {"scale": 2, "orientation": 2, "posX": 4, "posY": 4},
}


def a_spec(labels: str = "none", **keys: Any) -> SweepSpec:
    """Two betas of two seeds, two of them in a trial of their own each."""
    values = {
        "name": "unlabelled" if labels == "none" else "labelled",
        "dataset": {**DATA, "labels": labels},
        "method": "grid",
        "parameters": {"latents": {"value": 3}, "beta": {"values": [1, 4]}},
        "seeds": 2,
        "pack": 1,
        "trainer": {  # little noise: latents that are live after a few steps
            "architecture": "mlp",
            "steps": 40,
            "batch_size": 16,
            "likelihood": {"name": "gaussian", "variance": 0.01},
        },
        "evaluation": {"higgins": {"train": 200, "test": 200}, "udr": {"points": 100}},
    }
    return spec_of({**values, **keys})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = Store(tmp_path / "store")
    store.prepare()
    return store


def blocks_left(spec: SweepSpec, store: Store) -> tuple[TrialQueue, list[Block]]:
    queue = TrialQueue(Sweep(spec, store, load_data(spec)), Searcher(spec))
    found = []
    while isinstance(block := queue.next(), Block):
        found.append(block)
    return queue, found


def train(spec: SweepSpec, store: Store, block: Block) -> None:
    """What Ray does with a block, in this process."""
    trial = Trial(
        config_of(block, job_of(spec, store, plan_metrics(spec, load_data(spec)).evaluation))
    )
    while "done" not in trial.step():
        pass


def run_all(spec: SweepSpec, store: Store) -> None:
    store.save_spec(spec)
    queue, blocks = blocks_left(spec, store)
    for block in blocks:
        train(spec, store, block)
        assert queue.ended(block)
    assert not queue.more()


def rows(spec: SweepSpec, store: Store) -> Any:
    return Sweep(spec, store, load_data(spec)).snapshot().rows


def trained(store: Store) -> dict[str, int]:
    files = store.root.glob("runs/*/training.json")
    return {file.parent.name: file.stat().st_mtime_ns for file in files}


def by_hand(spec: SweepSpec, store: Store, runs: list[str]) -> list[float]:
    pack = load_pack([store.run_folder(run) for run in runs], "cpu")
    found = udr(
        lambda x: pack.encode(x)[0], load_data(spec), posterior=lambda x: pack.encode(x), points=100
    )
    return list(found.score)


def test_seeds_of_several_trials_are_compared_once_all_are_trained(store: Store) -> None:
    spec = a_spec()
    queue, blocks = blocks_left(spec, store)
    assert [len(block.runs) for block in blocks] == [1, 1, 1, 1]
    first, second, *_ = blocks
    train(spec, store, second)
    assert queue.ended(second)  # it did what it could
    assert not list(store.root.glob("runs/*/result.json")) and rows(spec, store) == ()
    train(spec, store, first)
    assert queue.ended(first)
    found = rows(spec, store)
    assert [row.seed for row in found] == [0, 1]
    expected = by_hand(spec, store, [row.run for row in found])
    assert [row.score for row in found] == pytest.approx(expected)
    assert Sweep.load(spec, store).metrics.evaluation.keys() == {"udr"}


def test_with_more_seeds_all_are_compared_again_and_only_the_new_ones_trained(store: Store) -> None:
    spec, more = a_spec(), a_spec(seeds=3)
    run_all(spec, store)
    two, before = rows(spec, store), trained(store)
    assert len(rows(more, store)) == 4  # those of the old seeds, until all are compared
    run_all(more, store)
    three = rows(more, store)
    assert len(two) == 4 and len(three) == 6 == len(trained(store))
    assert {run: trained(store)[run] for run in before} == before
    expected = by_hand(more, store, [row.run for row in three if row.beta == 4])
    assert [row.score for row in three if row.beta == 4] == pytest.approx(expected)
    assert rows(spec, store) == two  # the answer of two seeds is still there
    assert blocks_left(spec, store)[1] == blocks_left(more, store)[1] == []


def test_a_diverged_seed_is_not_compared_and_counts_as_failed(store: Store) -> None:
    spec = a_spec(parameters={"latents": {"value": 3}, "beta": {"value": 4}}, seeds=3, pack="auto")
    _, (block,) = blocks_left(spec, store)
    train(spec, store, block)
    lost = store.run_folder(block.runs[1].id)
    for name in ("training.json", "result.json"):
        record = json.loads((lost / name).read_text())
        record |= {"state": "failed", "reason": "loss is not finite at step 7", "evaluations": {}}
        write_json(lost / name, sealed(record))
    for run in (block.runs[0], block.runs[2]):
        (store.run_folder(run.id) / "result.json").unlink()
    queue, (again,) = blocks_left(spec, store)
    train(spec, store, again)
    assert queue.ended(again)
    found = rows(spec, store)
    assert [row.state for row in found] == ["finished", "failed", "finished"]
    expected = by_hand(spec, store, [block.runs[0].id, block.runs[2].id])
    assert [found[0].score, found[2].score] == pytest.approx(expected)
    assert api.best(spec, store).failed == 1


def test_hiding_the_labels_trains_nothing_and_both_answers_are_shown_side_by_side(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The one test with Ray: labels hidden from a sweep that was judged by Higgins."""
    labelled = a_spec("all", evaluation={"higgins": {"train": 200, "test": 200}, "mig": {}})
    hidden = a_spec(evaluation={"udr": {"points": 100}}, pack="auto")
    run_all(labelled, store)
    higgins = api.best(labelled, store)
    before = trained(store)
    outcome = driver.run(hidden, store)
    assert (outcome.broken, outcome.tracked, outcome.trained) == ((), True, 4)  # scored, that is
    assert trained(store) == before
    assert api.best(labelled, store) == higgins
    output = capsys.readouterr().out
    assert "scored by UDR" in output and "Verdict: cannot tell." in output
    html = outcome.report.read_text()
    assert "UDR score" in html and "Higgins score" not in html

    figure = tmp_path / "both.png"
    at = ["--store", str(store.root)]
    assert main(["compare", "labelled", "unlabelled", "--json", *at]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["metric"]) for one in found] == [
        ("labelled", "higgins"),
        ("unlabelled", "udr"),
    ]
    for one in found:
        low, high = one["best"]["interval"]
        assert low <= one["best"]["beta"] <= high
    assert main(["compare", "labelled", "unlabelled", "--figure", str(figure), *at]) == 0
    assert "Higgins" in (table := capsys.readouterr().out) and "UDR" in table
    assert figure.read_bytes().startswith(b"\x89PNG")
