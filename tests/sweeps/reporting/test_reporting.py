"""The report of a sweep, from models that were really trained and scores that are known."""

import json

import pytest

from evaluation.identity import evaluation_id
from evaluation.result_file import write_result
from sweeps.plan import Setting, load_data, runs_of
from sweeps.reporting.report import make_report
from sweeps.run_store import Store
from sweeps.search import space
from sweeps.sweep import Sweep
from sweeps.sweepfile import spec_of
from trainer.errors import UserError
from trainer.training.loop import train

SPEC = spec_of(
    {
        "name": "reported",
        "dataset": {
            "name": "dsprites",
            "size": 16,
            "factors": {"scale": 2, "orientation": 2, "posX": 4, "posY": 4},
        },
        "method": "grid",
        "parameters": {"latents": {"values": [2, 3]}, "beta": {"values": [1, 4]}},
        "seeds": 2,
        "trainer": {"architecture": "mlp", "steps": 3, "batch_size": 4},
    }
)
SCORES = {(2, 1): 0.4, (2, 4): 0.5, (3, 1): 0.9, (3, 4): 0.7}


def fill(store, data):
    evaluation = evaluation_id(SPEC.evaluation, data)
    for number, point in enumerate(space.grid(SPEC.parameters)):
        runs = runs_of(SPEC, data, point)
        store.record_setting(SPEC, Setting(number, point), runs)
        folders = [store.run_folder(run.id) for run in runs]
        records = train([run.config for run in runs], data, folders, device="cpu")
        score = SCORES[point["latents"], point["beta"]]
        measured = {"score": score, "scores": [score] * 3, "chance": 0.25, "images": 41}
        metrics = {"higgins": measured, "mig": {"score": 0.123}}
        for folder, record in zip(folders, records, strict=True):
            scored = {"measures": metrics, "reconstruction": -9.0, "kl": 2.0}
            write_result(folder, {**record, "evaluations": {evaluation: scored}})


def test_report_of_a_sweep(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    store, data = Store(tmp_path / "store"), load_data(SPEC)
    with pytest.raises(UserError, match="no setting"):
        make_report(Sweep.load(SPEC, store).snapshot())
    assert not store.report_folder(SPEC).exists()
    fill(store, data)
    page = make_report(Sweep.load(SPEC, store).snapshot())
    assert page.parent == store.report_folder(SPEC)
    html = page.read_text()
    assert "<title>reported" in html
    assert "Higgins score" in html and "sweep run reported.yaml" in html
    assert "How sure is this?" in html and "90% interval of β" in html
    assert "of model time in 8 runs" in html and "none of 8 runs" in html
    assert "<dt>images</dt><dd>41</dd>" in html  # that were scored, not the most that may be
    assert ">MIG</th>" in html and ">0.123</td>" in html
    # the best model of both latent sizes, the best of all first
    assert {p.name for p in page.parent.glob("traversals_*.png")} == {
        "traversals_1.png",
        "traversals_2.png",
    }
    assert html.index("M 3, seed") < html.index("M 2, seed")
    # kept for their scores alone, models leave the rest of the report as it is
    for model in store.path("runs").glob("*/model.safetensors"):
        model.unlink()
        result = json.loads((model.parent / "result.json").read_text())
        del result["files"][model.name]
        write_result(model.parent, result)
    assert "M = 3, seed" not in make_report(Sweep.load(SPEC, store).snapshot()).read_text()
    assert not list(page.parent.glob("traversals_*.png"))
