"""A real sweep, end to end: stopped, killed, damaged, finished, and the same as one left in peace.

More faults, at random moments and on a cluster: `python -m tests.faults`.
"""

import contextlib
import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.faults.clock import Clock
from tests.faults.faults import (
    Scene,
    clock_jumps,
    kill_driver,
    kill_worker,
    sigterm_to_everyone,
    truncate,
)
from tests.faults.processes import adopt_orphans, below
from tests.faults.small_sweep import Sweep, command, environment

KEYS = {
    "method": "bayes",
    "settings": 3,
    "parameters": {
        "latents": {"value": 4},
        "beta": {"distribution": "log_uniform", "min": 1, "max": 64},
    },
    "trainer": {"architecture": "mlp", "batch_size": 16, "steps": 400},
}
RUNS = 6


def times(sweep: Sweep) -> dict[str, tuple[int, int]]:
    """When each finished run was trained and scored, by id."""
    return {
        run: tuple((folder / f"{name}.json").stat().st_mtime_ns for name in ("training", "result"))
        for run, folder in sweep.results().items()
    }


def check_mlflow(sweep: Sweep) -> None:
    """Nothing is missing, doubled or left open."""
    entries = sweep.in_mlflow()
    assert set(entries.values()) == {1}
    assert Counter(kind for kind, _ in entries) == {"sweep": 1, "setting": 3, "run": RUNS}
    assert {name for kind, name in entries if kind == "run"} == set(sweep.results())


@pytest.fixture(scope="module")
def harassed(tmp_path_factory) -> tuple[Sweep, str]:
    """A sweep whose clock jumped, then stopped, hurt, killed, damaged and finished; its output."""
    adopt_orphans()
    folder = tmp_path_factory.mktemp("harassed")
    sweep = Sweep(folder, clock=Clock(folder / "clock"), keys=KEYS)
    with sweep.watched():
        scene = Scene(sweep, Random(0), sweep.start(), ())
        sweep.wait_for("config.json", 2, scene.process)
        clock_jumps(scene)
        sweep.wait_for("training.json", 1, scene.process)
        output = sigterm_to_everyone(scene)
        assert scene.process.returncode == 130, output
        assert "stopped" in output
        assert len(list(sweep.store.glob("runs/*/training.json"))) < RUNS

        scene.process = sweep.start()
        sweep.wait_for("result.json", 2, scene.process)
        kill_worker(scene)
        kill_driver(scene)
        before = times(sweep)
        assert 2 <= len(before) < RUNS
        torn = sorted(before)[0]
        sweep.spoilt.add(torn)
        truncate(sweep.store / "runs" / torn / "model.safetensors")

        output = sweep.finish()
    after = times(sweep)
    assert [run for run in before if after[run] != before[run]] == [torn]
    return sweep, output


@pytest.fixture(scope="module")
def in_peace(tmp_path_factory) -> tuple[Sweep, str]:
    """The same sweep run once, without MLflow: where its database goes there is a folder."""
    one = {"resources": {"max_concurrent": 1}}  # a second worker would mostly start
    sweep = Sweep(tmp_path_factory.mktemp("peace"), keys={**KEYS, **one})
    (sweep.store / "mlflow.db").mkdir(parents=True)
    return sweep, sweep.finish()


def test_no_run_is_trained_again_but_the_one_whose_file_was_torn(harassed):
    sweep, _ = harassed
    assert len(sweep.results()) == RUNS
    assert sweep.trained_again == {}


def test_after_a_kill_mlflow_lacks_nothing_and_repeats_nothing(harassed):
    check_mlflow(harassed[0])


def test_a_harassed_sweep_gives_bitwise_the_same_runs_and_the_same_answer(harassed, in_peace):
    table, peace = harassed[0].table(), in_peace[0].table()
    assert table == peace
    assert len(peace.models) == RUNS


def at_work(processes: list[int]) -> list[str]:
    """Names of Ray's chief processes and workers among those."""
    names = []
    for pid in processes:
        with contextlib.suppress(OSError):  # it has just ended
            names.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return [name for name in names if any(kind in name for kind in ("raylet", "gcs", "Trial"))]


def test_nothing_is_left_running_but_what_ray_ends_within_a_minute(harassed):
    end = time.monotonic() + 60  # a worker is slow to see on a busy machine that its Ray is gone
    while (left := at_work(below(os.getpid()))) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left


def test_the_same_command_again_trains_nothing_and_starts_no_ray(harassed):
    sweep, first = harassed
    before = times(sweep)
    output = sweep.finish()
    assert times(sweep) == before
    assert "starting trials" not in output
    assert output.splitlines()[-3:] == first.splitlines()[-3:]
    check_mlflow(sweep)


def test_the_output_has_only_our_lines_and_ends_with_the_answer(harassed):
    sweep, output = harassed
    lines = output.splitlines()
    ours = (
        "small: ",
        "dsprites ",
        "factors: ",
        "in the store: ",
        "preparing ",
        "starting ",
        "best β: ",
        "no best β: ",
    )
    expected = (*ours, "  ", "report: ", "runs in MLflow: ")
    progress = [line for line in lines if f" of {RUNS} runs" in line]
    assert [line for line in lines if line not in progress and not line.startswith(expected)] == []
    (best,) = (line for line in lines if line.startswith(("best β: ", "no best β: ")))
    assert "over 2 seeds" in best
    assert lines[lines.index(best) + 1].startswith(("  Use β ", "  No setting is worth using"))
    assert any(line.startswith("  Verdict: ") for line in lines)
    assert lines[-2] == f"report: {sweep.store / 'sweeps/small/report/index.html'}"
    assert (sweep.store / "sweeps/small/report/index.html").is_file()


def test_mlflow_that_cannot_be_written_stops_nothing_and_can_be_written_later(in_peace):
    sweep, output = in_peace
    assert "MLflow lacks " in output and "sweep sync small" in output
    (sweep.store / "mlflow.db").rmdir()
    sync = command(sweep, "sync", "small")
    subprocess.run(sync, check=True, capture_output=True, env=environment())
    check_mlflow(sweep)
