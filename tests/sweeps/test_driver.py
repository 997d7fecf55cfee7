"""A real sweep, end to end: interrupted, killed, finished, and the same as one left in peace."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.sweeps.made_up import DATA

SWEEP = {
    "name": "small",
    "dataset": dict(DATA),
    "method": "bayes",
    "settings": 4,
    "parameters": {
        "latents": {"value": 4},
        "beta": {"distribution": "log_uniform", "min": 1, "max": 64},
    },
    "seeds": 2,
    "evaluation": {"higgins": {"train": 300, "test": 200, "images": 256}},
    "trainer": {"architecture": "mlp", "batch_size": 16, "steps": 400},
}
RUNS = 8


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "sweeps", *words, "--store", str(folder / "store")]


def environment() -> dict[str, str]:
    left_out = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")
    return {key: value for key, value in os.environ.items() if key not in left_out}


def start(folder: Path) -> subprocess.Popen[str]:
    (folder / "small.yaml").write_text(yaml.safe_dump(SWEEP))
    return subprocess.Popen(
        command(folder, "run", str(folder / "small.yaml")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )


def finish(folder: Path) -> str:
    process = start(folder)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return output


def wait_for(folder: Path, pattern: str, count: int, process: subprocess.Popen[str]) -> None:
    """Until `count` files of run folders match `pattern`."""
    while len(list(folder.glob(f"store/runs/*/{pattern}"))) < count:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)


def done(folder: Path) -> dict[str, tuple[int, int]]:
    """When each finished run was trained and scored, by id."""
    found = {}
    for result in folder.glob("store/runs/*/result.json"):
        trained = result.with_name("training.json").stat().st_mtime_ns
        found[result.parent.name] = (trained, result.stat().st_mtime_ns)
    return found


def answer(folder: Path) -> dict:
    output = subprocess.run(
        command(folder, "best", "small", "--json"), capture_output=True, text=True, check=True
    )
    return json.loads(output.stdout)


def mlflow_runs(folder: Path) -> list[tuple[str, str, str]]:
    """Kind, id or number, and status of every run in MLflow's database."""
    query = """
        select kind.value, coalesce(run.value, setting.value, ''), runs.status from runs
        join tags kind on kind.run_uuid = runs.run_uuid and kind.key = 'kind'
        left join tags run on run.run_uuid = runs.run_uuid and run.key = 'run'
        left join tags setting on setting.run_uuid = runs.run_uuid and setting.key = 'setting'
    """
    with sqlite3.connect(folder / "store" / "mlflow.db") as database:
        return list(database.execute(query))


def check_mlflow(folder: Path) -> None:
    """Nothing is missing, doubled or left open."""
    runs = mlflow_runs(folder)
    assert Counter(kind for kind, _, _ in runs) == {"sweep": 1, "setting": 4, "run": RUNS}
    assert {name for kind, name, _ in runs if kind == "run"} == set(done(folder))
    assert {status for _, _, status in runs} == {"FINISHED"}


@pytest.fixture(scope="module")
def harassed(tmp_path_factory) -> tuple[Path, dict, str]:
    """A sweep stopped by SIGTERM, then killed, then finished: folder, runs done before, output."""
    folder = tmp_path_factory.mktemp("harassed")
    process = start(folder)
    wait_for(folder, "config.json", 2, process)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert "stopped" in output
    assert list(folder.glob("store/runs/*/checkpoint-*.safetensors")) or done(folder)

    process = start(folder)
    wait_for(folder, "result.json", 2, process)
    process.kill()
    process.wait()
    before = done(folder)
    assert 2 <= len(before) < RUNS
    return folder, before, finish(folder)


@pytest.fixture(scope="module")
def in_peace(tmp_path_factory) -> tuple[Path, str]:
    """The same sweep run once, without MLflow: where its database goes there is a folder."""
    folder = tmp_path_factory.mktemp("peace")
    (folder / "store" / "mlflow.db").mkdir(parents=True)
    return folder, finish(folder)


def test_after_a_kill_no_finished_run_is_trained_again(harassed):
    folder, before, _ = harassed
    after = done(folder)
    assert len(after) == RUNS
    assert {run: after[run] for run in before} == before


def test_after_a_kill_mlflow_lacks_nothing_and_doubles_nothing(harassed):
    check_mlflow(harassed[0])


def test_a_harassed_sweep_gives_the_same_answer_as_one_left_in_peace(harassed, in_peace):
    assert set(done(harassed[0])) == set(done(in_peace[0]))
    assert answer(harassed[0]) == answer(in_peace[0])


def test_the_same_command_again_trains_nothing_and_starts_no_ray(harassed):
    folder, _, first = harassed
    before = done(folder)
    output = finish(folder)
    assert done(folder) == before
    assert "starting trials" not in output
    assert output.splitlines()[-3:] == first.splitlines()[-3:]
    check_mlflow(folder)


def test_the_output_holds_our_lines_alone_and_ends_with_the_answer(harassed):
    folder, _, output = harassed
    lines = output.splitlines()
    ours = ("small: ", "dsprites ", "in the store already", "preparing ", "starting ", "best β: ")
    expected = (*ours, "  ", "report: ", "runs in MLflow: ")
    progress = [line for line in lines if " of 8 runs" in line]
    assert [line for line in lines if line not in progress and not line.startswith(expected)] == []
    (best,) = (line for line in lines if line.startswith("best β: "))
    assert "over 2 seeds" in best
    assert lines[lines.index(best) + 1].startswith("  90% interval of the best β: ")
    assert any(line.startswith("  Verdict: ") for line in lines)
    assert lines[-2] == f"report: {folder / 'store/sweeps/small/report/index.html'}"
    assert (folder / "store/sweeps/small/report/index.html").is_file()


def test_mlflow_that_cannot_be_written_stops_nothing_and_can_be_written_later(in_peace):
    folder, output = in_peace
    assert "MLflow lacks some of it" in output and "sweep sync small" in output
    (folder / "store" / "mlflow.db").rmdir()
    subprocess.run(command(folder, "sync", "small"), check=True, capture_output=True)
    check_mlflow(folder)
