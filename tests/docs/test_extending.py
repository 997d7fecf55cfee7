"""docs/extending.md: its files, written as they stand, are read and trained."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evaluation.__main__ import main as evaluation
from evaluation.metrics.user_metrics import codes_in, metric_of
from sweeps.cli.main import main as sweep
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.sweepfile import load_spec
from sweeps.trials.trial import _load
from sweeps.trials.work_order import job_of
from trainer import extensions, load_model
from trainer.__main__ import main as train
from trainer.config.schema import FieldError

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\w+\n(?=# ([\w.]+))(.*?)```", PAGE, flags=re.DOTALL))

PACK = """
dataset: {name: "my_data.py:Squares"}
architecture: mlp
optimizer: {lr: 0.01}
latents: 3
steps: 200
models: [{seed: 0, beta: 0.1}, {seed: 1, beta: 0.1}]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_sweep_file_is_good() -> None:
    ours = {"my_nets.py", "my_objective.py", "my_data.py", "my_metric.py"}
    assert set(FILES) == ours | {"small.yaml", "pack.yaml", "squares.yaml"}
    assert sweep(["validate", "small.yaml"]) == 0


def test_the_pack_trains_and_is_loaded_without_its_files(here: Path) -> None:
    assert train(["pack.yaml", "--out", "runs", "--device", "cpu"]) == 0
    for name in FILES:
        (here / name).unlink()
    for folder in (here / "runs").iterdir():
        assert load_model(folder).sample(2).shape == (2, 1, 16, 16)


def test_the_data_set_is_trained_on_and_the_metric_taken(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(["validate", "squares.yaml"]) == 0
    assert "64 images of 1×16×16" in capsys.readouterr().out
    (here / "two.yaml").write_text(PACK)
    assert train(["two.yaml", "--out", "runs", "--device", "cpu"]) == 0
    (here / "my_data.py").unlink()  # the run folders have it
    assert evaluation(["runs", "--metric", "my_metric.py:axes:images=40"]) == 0
    measures = [only_evaluation(folder)["measures"] for folder in (here / "runs").iterdir()]
    # which of the two comes first depends on the ids, and one of them collapses
    best, worst = sorted((m["my_metric.py:axes"] for m in measures), key=lambda m: -m["score"])
    assert 0 <= worst["score"] < best["score"] <= 1
    assert best["floor"]["mean"] < 1


def test_a_changed_metric_is_another_evaluation_and_changed_data_are_other_runs(here: Path) -> None:
    def ids() -> tuple[str, str]:
        sweep = Sweep.load(load_spec("squares.yaml"), Store(here / "store"))
        (first, *_) = sweep.runs({"beta": 1.0, "latents": 4})
        return sweep.metrics.identity([]), first.id

    before = ids()
    assert ids() == before
    (here / "my_metric.py").write_text(FILES["my_metric.py"] + "# changed\n")
    scored = ids()
    assert scored[0] != before[0] and scored[1] == before[1]
    (here / "my_data.py").write_text(FILES["my_data.py"] + "# changed\n")
    assert ids()[1] != before[1]


def test_workers_are_sent_the_code_and_trust_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = Sweep.load(load_spec("squares.yaml"), Store(here / "store"))
    job = job_of(sweep.spec, sweep.store, sweep.metrics.evaluation)
    for name in FILES:
        (here / name).unlink()
    monkeypatch.setenv("SWEEP_CACHE", str(here / "of a worker"))
    monkeypatch.setattr(extensions, "_trusted", set())
    _load.cache_clear()
    assert _load(json.dumps(job["dataset"])).fingerprint == sweep.data.fingerprint
    ((name, options),) = [(n, o) for n, o in job["evaluation"].items() if n.startswith("my_")]
    with pytest.raises(FieldError, match="SWEEP_TRUST_CODE"):
        metric_of(name, options)
    extensions.trust(codes_in(job["evaluation"]))
    assert metric_of(name, options).__name__ == "axes"


def only_evaluation(folder: Path) -> dict[str, Any]:
    result = json.loads((folder / "result.json").read_text())
    (found,) = result["evaluations"].values()
    return found
