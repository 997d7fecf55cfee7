"""The rehearsal: every part in a form of seconds, and what is made of what came back."""

import dataclasses
import json
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import torch

from evaluation.result_file import read_result
from sweeps import api
from tests.benchmarks.gpu import run, speed, study, timeline
from tests.benchmarks.gpu.form import FORMS, MARKED
from tests.benchmarks.gpu.part import Part
from tests.benchmarks.gpu.read import read
from tests.benchmarks.gpu.timeline import Kernel

ROOT = Path(__file__).parents[3]
PARTS = ("correctness", "ceilings", "speed", "timeline", "study")
# what a bare machine lacks; all parts in one process, which imports torch once
BARE = """
import sys
from importlib import import_module
from pathlib import Path

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("boto3", "botocore", "mlflow", "optuna", "pydantic", "ray"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Lacking())
import time
import torch
from tests.benchmarks.gpu.form import FORMS
from tests.benchmarks.gpu.part import Part

torch.set_num_threads(1)
for name in sys.argv[2:]:
    end = time.monotonic() + 300
    part = Part(name, Path(sys.argv[1]), torch.device("cpu"), FORMS["tiny"], end)
    import_module(f"tests.benchmarks.gpu.{name}").run(part)
"""


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that a machine without Ray, Optuna, MLflow and boto3 has made."""
    out = tmp_path_factory.mktemp("gpu")
    subprocess.run([sys.executable, "-c", BARE, str(out), *PARTS], cwd=ROOT, check=True)
    return out


def figures(folder: Path, part: str) -> dict:
    return json.loads((folder / f"{part}.json").read_text())


def test_each_part_leaves_its_figures(rehearsed: Path) -> None:
    assert {path.name for path in rehearsed.iterdir()} == {
        *(f"{name}.json" for name in PARTS),
        "study.tar.gz",
    }
    assert figures(rehearsed, "correctness")["outcomes"] == {"passed": 2}
    assert min(figures(rehearsed, "ceilings")["a_second"].values()) > 0
    speeds = figures(rehearsed, "speed")
    assert [(row["models"], row["recorded"]) for row in speeds["packs"]] == [
        (1, True),
        (1, False),
        (2, True),
        (2, False),
    ]
    for row in speeds["packs"]:
        assert row["of_floor"] == pytest.approx(row["floor"] / row["milliseconds"])
        assert row["times_alone"] > 0 and row["times_plain"] > 0
    assert len(speeds["convolutions"]) == 16
    assert len(speeds["evaluation"][0]["seconds"]) == 10
    assert speeds["errors"] == []
    [case] = figures(rehearsed, "timeline")["cases"]
    assert case["models"] == 2 and case["kernels"]


def test_the_study_is_a_store_that_answers_without_weights(rehearsed: Path, tmp_path: Path) -> None:
    made = figures(rehearsed, "study")
    assert made["models"] == 2 * 3 * 2
    with tarfile.open(rehearsed / "study.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    runs = list((tmp_path / "runs").iterdir())
    assert len(runs) == made["models"]
    for folder in runs:
        assert read_result(folder) is not None
        names = {"config.json", "history.json", "result.json", "traversal.png", "training.json"}
        assert {path.name for path in folder.iterdir()} == names
    best = api.best("dsprites", tmp_path)
    assert (set(best.per_latents), best.seeds, best.failed) == ({2, 3}, 2, 0)
    scores = [row["higgins"] for pack in made["packs"] for row in pack["scores"]]
    assert all(0 <= score <= 1 for score in scores)
    assert best.score >= max(scores)  # the mean of the better half
    assert api.report("dsprites", tmp_path).exists()


def test_what_came_back_becomes_rows_and_a_reference(rehearsed: Path, tmp_path: Path) -> None:
    reference = tmp_path / "sweeps" / "reference"
    reference.mkdir(parents=True)
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copy(ROOT / "sweeps" / "reference" / "README.md", reference)
    for _ in range(2):  # again, it replaces what it wrote
        read(rehearsed, tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    rows = [line for line in lines if line.endswith("| `python -m tests.benchmarks.gpu` |")]
    assert [row.split("|")[1].split(",")[0].strip() for row in rows] == [
        "mlp",
        "Higgins scores of 2 models for ten seeds",
        "the trainer's tests on CPU",
        "β × M on 2D shapes",
    ]
    assert (reference / "README.md").read_text().count("| `dsprites/` |") == 1
    names = {path.name for path in (reference / "dsprites").iterdir()}
    assert names == {"README.md", "best.json", "inverted_u.png", "spec.yaml"}


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    shutil.copy(ROOT / "README.md", tmp_path)
    (tmp_path / "speed.json").write_text(json.dumps({"card": "X", "plain": []}))
    read(tmp_path, tmp_path)
    assert "benchmarks.gpu` |" not in (tmp_path / "README.md").read_text()


FAKE = """
import os, sys, time
name = sys.argv[sys.argv.index("--part") + 1]
print("at work on", name)
assert float(sys.argv[sys.argv.index("--until") + 1]) > time.time()
if name == "ceilings":
    raise ValueError("broken")
if name == "speed":
    time.sleep(60)
if name == "timeline":
    os.kill(os.getpid(), 9)
"""


def test_a_part_that_fails_hangs_or_dies_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_PYTHON", (sys.executable, "-c", FAKE))
    monkeypatch.setattr(run, "_render", lambda form: None)
    monkeypatch.setattr(run, "GRACE", 0.5)
    shares = {**run.SHARES, "speed": run.Share(0.1, 3.0)}
    monkeypatch.setattr(run, "SHARES", shares)
    ended = run.run_parts(tmp_path, "cpu", "tiny", 200)
    states = {name: each["state"] for name, each in ended.items()}
    assert states == {
        "correctness": "done",
        "ceilings": "failed",
        "speed": "cut off",
        "timeline": "failed",
        "study": "done",
    }
    assert ended["ceilings"]["last line"] == "ValueError: broken"
    assert json.loads((tmp_path / "run.json").read_text())["parts"] == ended
    assert run.run_parts(tmp_path, "cpu", "tiny", 1)["study"]["state"] == "skipped"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1000, (2000, (4, 2, 6))), (60, (125, (4, 2))), (15, (-2, (4,)))]
)
def test_where_time_is_short_latent_sizes_are_left_out(
    seconds: float, expected: tuple[int, tuple[int, ...]], tmp_path: Path
) -> None:
    part = Part("study", tmp_path, torch.device("cpu"), FORMS["small"], time.monotonic() + seconds)
    taken = {"seconds_to_make": 4.0, "seconds_to_score": 6.0, "seconds_a_step": 0.1}
    steps, sizes = study.fitting(part, taken)
    assert sizes == expected[1]
    assert steps == pytest.approx(expected[0], abs=5)


def test_a_table_that_fails_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_evaluation", "_convolutions"):
        monkeypatch.setattr(speed, name, lambda part, tables: 1 / 0)
    monkeypatch.setattr(speed, "_step_seconds", lambda part, pack, data, row: row["missing"])
    form = dataclasses.replace(FORMS["tiny"], models=(1,))
    part = Part("speed", tmp_path, torch.device("cpu"), form, time.monotonic() + 60)
    speed.run(part)
    found = figures(tmp_path, "speed")
    assert len(found["plain"]) == 1
    assert found["errors"] == [
        {"table": "evaluation", "error": "ZeroDivisionError: division by zero"},
        {"table": "packs", "error": "KeyError: 'missing'"},
        {"table": "convolutions", "error": "ZeroDivisionError: division by zero"},
    ]


def test_all_marked_tests_are_run_on_a_gpu() -> None:
    marked = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").glob("*/**/test_*.py")
        if "mark.gpu" in path.read_text() and path.name != "test_gpu.py"
    ]
    assert marked
    assert [path for path in marked if not path.startswith(MARKED)] == []


def test_a_timeline_counts_the_time_in_which_nothing_ran() -> None:
    kernels = [Kernel("a", 0, 10), Kernel("b", 5, 12), Kernel("a", 20, 30)]
    found = timeline.table(kernels, steps=2)
    assert found["microseconds"] == 15
    assert found["busy"] == pytest.approx(22 / 30)
    assert found["longest_gap"] == 8
    assert [(k["name"], k["microseconds"]) for k in found["kernels"]] == [("a", 10), ("b", 3.5)]
