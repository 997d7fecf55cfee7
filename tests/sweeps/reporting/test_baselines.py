"""Baselines of a sweep: checked by name, scored once, in the table with the sweep's own models."""

import io
import json

import pytest
from rich.console import Console

from evaluation.analysis.choose import choose
from evaluation.analysis.table import RunRow
from evaluation.baselines.score import BaselineScore
from evaluation.baselines.table import text
from evaluation.identity import evaluation_id
from evaluation.result_file import write_result
from sweeps import driver
from sweeps.cli.main import main
from sweeps.cli.output import console
from sweeps.plan import Setting, load_data, runs_of
from sweeps.reporting import baselines
from sweeps.reporting.baselines import MODELS, paper_table, prepare_baselines
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweepfile import load_spec
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up
from trainer.config.schema import FieldError
from trainer.training.loop import train

SWEEP = """\
name: table
dataset: {name: dsprites, size: 16, factors: {shape: [1], scale: 2, posX: 8, posY: 8}}
parameters: {beta: {values: [1, 4]}}
method: grid
seeds: 2
evaluation: {higgins: {pairs: 4, train: 100, test: 100}}
baselines: [ground_truth, raw_pixels]
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "table.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture
def counted(monkeypatch):
    """Scores that cost nothing, and the names that were asked for."""
    asked = []

    def made_up(name, data, options):
        asked.append(name)
        return BaselineScore(((0.5, 0.6, 0.7), (0.5, 0.6, 0.8)), {})

    monkeypatch.setattr(baselines, "score_baseline", made_up)
    return asked


def test_an_unknown_baseline_is_refused_at_its_place_with_the_nearest_name():
    with pytest.raises(FieldError) as refused:
        a_spec(baselines=["pca", "raw_pixel"])
    assert str(refused.value) == (
        "baselines[1]: unknown baseline 'raw_pixel'; did you mean 'raw_pixels'?"
    )
    for value, words in (("pca", "expected a list"), (["pca", "pca"], "listed twice"), ([1], "1")):
        with pytest.raises(FieldError, match=words):
            a_spec(baselines=value)


def test_baselines_do_not_change_the_search():
    assert a_spec(baselines=["pca"]).search_id == a_spec().search_id


def test_scored_once_for_the_same_data_whatever_the_sweep(tmp_path, counted):
    store, data = Store(tmp_path), a_dataset()
    for name in ("one", "two"):
        prepare_baselines(Sweep(a_spec(name=name, baselines=["pca", "ica"]), store, data), console)
    assert counted == ["pca", "ica"]
    (record, *_) = (store.path("baselines") / name for name in store.names("baselines"))
    record.write_text("{")  # damaged: scored anew
    prepare_baselines(Sweep(a_spec(baselines=["pca", "ica"]), store, data), console)
    assert len(counted) == 3


def test_the_table_has_baselines_and_the_sweeps_models(tmp_path, counted):
    spec = a_spec(
        baselines=["pca"],
        parameters={"latents": {"value": 10}, "beta": {"values": [1, 4]}},
    )
    store, data = Store(tmp_path), a_dataset()
    assert paper_table(Sweep(a_spec(), store, data).snapshot()) == ()
    assert paper_table(Sweep(spec, store, data).snapshot()) == ()  # nothing to show
    prepare_baselines(Sweep(spec, store, data), console)
    for number, (beta, scores) in enumerate(((1, (0.6, 0.5)), (4, (0.9, None)))):
        setting = Setting(number, {"latents": 10, "beta": beta})
        runs = runs_of(spec, data, setting.parameters)
        store.record_setting(spec, setting, runs)
        for run, score_of_seed in zip(runs, scores, strict=True):
            write_made_up(store, spec, data, run, score_of_seed)
    found = {line.name: line.score for line in paper_table(Sweep(spec, store, data).snapshot())}
    assert found["pca"] == pytest.approx(100 * (0.8 + 0.7 + 0.6) / 3)
    assert found["vae"] == pytest.approx(60)
    assert found["beta_vae"] == pytest.approx(90)
    assert found.keys() == {"pca", "vae", "beta_vae"}
    shown = text(paper_table(Sweep(spec, store, data).snapshot()))
    assert "paper" not in shown and "61.58" not in shown


@pytest.mark.parametrize(
    ("choices", "beta", "exactly", "row"),
    [
        ({"objective": "dc_ign", "architecture": "mlp"}, 1.0, False, "dc_ign"),
        ({"objective": "dc_ign", "architecture": "mlp"}, 1.0, True, None),
        ({"objective": "beta_vae", "architecture": "fc1200"}, 1.0, True, "vae"),
        ({"objective": "beta_vae", "architecture": "mlp"}, 4.0, True, None),
        ({"objective": "beta_vae", "architecture": "fc1200"}, 4.0, True, "beta_vae"),
        ({"objective": "beta_tcvae", "architecture": "fc1200"}, 4.0, False, None),
    ],
)
def test_a_row_needs_the_papers_objective_and_architecture(choices, beta, exactly, row):
    rows = [RunRow("a", "finished", beta, beta * 10 / 4096, 10, 0, (0.8,), shared=choices)]
    setting = choose(rows).best
    found = [name for name, model in MODELS.items() if model.is_of(setting, exactly)]
    assert found == ([row] if row else [])


def test_missing_labels_name_the_line(file, tmp_path, capsys):
    file.write_text(SWEEP.replace("raw_pixels", "ica"))
    assert main(["baselines", str(file), "--store", str(tmp_path / "store")]) == 2
    assert f"{file}:7: baselines[1]: the baseline ica is fitted" in capsys.readouterr().err


def test_the_command_prints_the_table_and_trains_nothing(file, tmp_path, capsys):
    store = tmp_path / "store"
    assert main(["baselines", str(file), "--store", str(store)]) == 0
    out = capsys.readouterr().out
    assert "Ground truth" in out and "here, %" in out
    assert not (store / "runs").exists() or not list((store / "runs").iterdir())
    assert main(["baselines", str(file), "--store", str(store), "--json"]) == 0
    lines = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    assert lines.keys() == {"ground_truth", "raw_pixels"}
    assert lines["ground_truth"]["score"] == pytest.approx(100, abs=1)
    assert lines["ground_truth"]["difference"] is None  # these are not the paper's data
    assert main(["baselines", str(file), "--store", str(store), "baselines=[]"]) == 2
    assert "has no baselines" in capsys.readouterr().err


def test_a_run_ends_with_the_table_and_so_does_its_report(file, tmp_path, counted):
    spec = load_spec(
        file, ["parameters.latents.value=10", "trainer.architecture=mlp", "trainer.steps=2"]
    )
    store, data = Store(tmp_path / "store"), load_data(spec)
    for number, (beta, score) in enumerate(((1, 0.6), (4, 0.9))):
        setting = Setting(number, {"beta": beta, "latents": 10})
        runs = runs_of(spec, data, setting.parameters)
        store.record_setting(spec, setting, runs)
        folders = [store.run_folder(run.id) for run in runs]
        for record in train([run.config for run in runs], data, folders, device="cpu"):
            measured = {"score": score, "scores": [score] * 3, "chance": 0.25}
            figures = {"measures": {"higgins": measured}, "reconstruction": -9.0, "kl": 2.0}
            evaluations = {evaluation_id(spec.evaluation, data): figures}
            write_result(store.run_folder(record["run"]), {**record, "evaluations": evaluations})
    out = io.StringIO()
    outcome = driver.run(spec, store, console=Console(file=out, soft_wrap=True))
    assert (outcome.trained, outcome.stored) == (0, 4)
    assert counted == ["ground_truth", "raw_pixels"]
    last = out.getvalue().splitlines()[-4:]
    assert last[0].startswith("Ground truth") and last[-1].startswith("β-VAE")
    assert "90.00 ±  0.0" in last[-1] and "99.23" not in last[-1]
    html = outcome.report.read_text()
    assert "90.00 ±  0.0" in html and "99.23" not in html
