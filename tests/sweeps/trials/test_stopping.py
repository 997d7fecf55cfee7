"""`sweep stop` on a sweep that runs in the foreground elsewhere: by a request in its store."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from sweeps.cli.main import main
from sweeps.cluster import runtime_env
from sweeps.run_store import Store
from sweeps.trials import stopping
from sweeps.trials.stopping import StopRequest

FILE = """
name: long
dataset: {name: dsprites, size: 16, factors: {scale: 3, orientation: 4, posX: 4, posY: 4}}
method: grid
parameters: {beta: {values: [1, 4]}, latents: {value: 2}}
seeds: 2
trainer: {architecture: mlp, batch_size: 16, steps: 20_000}
metric: {name: mig}
evaluation: {mig: {}}
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(stopping, "SECONDS", 0.1)


def count_looks(store, monkeypatch, real=True):
    """How often the store is asked for each key from now on; not `real`: it fails then."""
    looks, exists = Counter(), store.exists

    def counted(key):
        looks[key] += 1
        return exists(key) if real else 1 / 0

    monkeypatch.setattr(store, "exists", counted)
    return looks


def until(true, seconds=240.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_request_reaches_only_the_sweep_of_that_name(store, often, monkeypatch):
    mine, other = StopRequest(), StopRequest()
    looks = count_looks(store, monkeypatch)
    with stopping.heeded(store, "mine", mine), stopping.heeded(store, "other", other):
        stopping.request(store, "mine")
        until(lambda: mine.requested)
        looks.clear()
        until(lambda: looks["sweeps/other/stop"] > 1)
        assert not other.requested


def test_an_earlier_request_can_be_withdrawn(store, often, monkeypatch):
    stopping.request(store, "mine")
    stopping.forget(store, "mine")
    stopping.forget(store, "mine")
    stop, looks = StopRequest(), count_looks(store, monkeypatch)
    with stopping.heeded(store, "mine", stop):
        until(lambda: looks["sweeps/mine/stop"] > 1)
    assert not stop.requested


def test_a_store_that_fails_for_a_while_is_asked_again(store, often, monkeypatch):
    stop, exists = StopRequest(), store.exists
    looks = count_looks(store, monkeypatch, real=False)
    with stopping.heeded(store, "mine", stop):
        stopping.request(store, "mine")
        until(lambda: looks["sweeps/mine/stop"] > 1)
        assert not stop.requested
        monkeypatch.setattr(store, "exists", exists)
        until(lambda: stop.requested)


def test_a_sweep_in_the_foreground_is_stopped_from_elsewhere(tmp_path, store, capfd):
    (tmp_path / "long.yaml").write_text(FILE)
    command = [sys.executable, "-m", "sweeps", "run", "long.yaml"]
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        # the time left is known once a tenth of the first trials is done
        assert any(" left" in line for line in running.stdout)
        assert main(["stop", "long", "--store", store.location]) == 0
        printed = running.stdout.read()
    assert running.returncode == 130
    assert "stopped; progress is kept" in printed
    assert "stopped" in capfd.readouterr().out
    assert list(tmp_path.glob("store/runs/*/checkpoint-*.safetensors"))
    assert main(["logs", "long", "--store", store.location]) == 0
    assert main(["stop", "long", "--store", store.location]) == 2
    assert "is not running" in capfd.readouterr().err


def test_logs_of_a_sweep_that_does_not_exist(store, capsys):
    assert main(["logs", "mine", "--store", store.location]) == 2
    assert "no log of a sweep 'mine'" in capsys.readouterr().err


def test_detaching_needs_an_address_and_data_that_all_nodes_see(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "away.yaml").write_text(FILE)
    assert main(["run", "away.yaml", "--detach"]) == 2
    assert "--address" in capsys.readouterr().err
    Path("images").mkdir()
    words = ["dataset={name: folder, path: images}", "--address", "http://127.0.0.1:1"]
    assert main(["run", "away.yaml", "--detach", *words]) == 2
    assert "'images' is relative" in capsys.readouterr().err
    assert main(["run", "away.yaml", "--detach", "--address", "http://127.0.0.1:1"]) == 2
    said = capsys.readouterr().err
    assert "no Ray dashboard can be reached" in said and said.count("\n") == 1


def test_what_is_sent_holds_the_code_and_no_secret(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3:8333")
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    monkeypatch.delenv("AWS_RESPONSE_CHECKSUM_VALIDATION", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:planted@db/runs")
    sent = runtime_env.for_driver(tmp_path)
    assert {Path(folder).name for folder in sent["py_modules"]} == {
        "sweeps",
        "evaluation",
        "trainer",
    }
    assert "planted" not in json.dumps(sent)
    assert sent["env_vars"]["AWS_ENDPOINT_URL"] == "http://s3:8333"
    assert runtime_env.withheld() == ["MLFLOW_TRACKING_URI"]
    assert runtime_env.for_trials()["env_vars"] == {
        "AWS_ENDPOINT_URL": "http://s3:8333",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    }
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert runtime_env.for_trials() == {}
