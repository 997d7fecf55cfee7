"""One sweep on real parts: several Ray nodes, a store on S3, MLflow and Optuna on Postgres."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import optuna
import pytest
import yaml
from mlflow.entities import Run

from sweeps import load_model
from sweeps.cli.main import main
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.tracking.optuna_study import study_name
from sweeps.tracking.tracker import sync
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.faults.nodes import cluster
from tests.faults.small_sweep import NO_TOKEN
from tests.servers.mlflow_server import mlflow_server
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.proxy import Refuse, proxied
from tests.servers.s3 import S3, SECRET
from tests.sweeps.made_up import DATA, a_dataset, a_spec, train_made_up, write_made_up
from trainer.run_files import TRAVERSAL_FILE

SWEEP = {
    "name": "real",
    "dataset": dict(DATA),
    "method": "bayes",
    "settings": 2,
    "parameters": {
        "latents": {"value": 4},
        "beta": {"distribution": "log_uniform", "min": 1, "max": 64},
    },
    "seeds": 2,
    "pack": 1,
    "evaluation": {"higgins": {"train": 300, "test": 200, "images": 256}},
    "trainer": {"architecture": "mlp", "batch_size": 16, "steps": 400},
}
IMPATIENT = """
import sys
import sweeps.tracking.background
from sweeps.cli.main import main

sweeps.tracking.background.PATIENCE = 1
sys.exit(main())
"""


def start(*words: str, cache: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", IMPATIENT, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables, "SWEEP_CACHE": str(cache)},
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What it printed."""
    printed = process.communicate(timeout=300)[0]
    assert process.returncode == 0, printed
    return printed


def run_on_three_machines(file: Path, s3: S3, cache: Path, **variables: str) -> str:
    """Runs the sweep on a head and two workers, one of which is lost at work; what it printed."""
    environment = {**os.environ, **s3.environment, "SWEEP_CACHE": str(cache / "nodes")}
    with cluster(environment, workers=2) as machines:
        where = ("--address", machines.address, "--store", f"{s3.url}/store")
        process = start("run", str(file), *where, cache=cache, **variables, **NO_TOKEN)
        while not s3.keys("store/runs/"):
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.05)
        machines.workers[0].kill()
        return finish(process)


def check_models_come_from_the_store(s3: S3, store: str, runs: Sequence[Run]) -> None:
    """MLflow has the model of the best run alone; those of all are loaded by their MLflow URIs."""
    for run in (run for run in runs if run.data.tags["kind"] == "run"):
        model = load_model(f"runs:/{run.info.run_id}", store)
        assert str(model.config.seed) == run.data.params["seed"]
        key = f"runs/{run.data.tags['run']}/model.safetensors"
        original = s3.client().get_object(Bucket=s3.bucket, Key=f"store/{key}")["Body"].read()
        assert Store(store).path(key).read_bytes() == original


@pytest.mark.slow
def test_a_sweep_that_loses_a_machine_and_its_trackers_is_complete_once_they_are_back(
    s3: S3, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine, which has nothing but the address of the store, writes what is lacking."""
    from mlflow import MlflowClient

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    file, store = tmp_path / "real.yaml", f"{s3.url}/store"
    file.write_text(yaml.safe_dump(SWEEP))
    artifacts, tables = s3.new_bucket(), postgres.new_database()
    with proxied((postgres.host, postgres.port)) as dead, dead.broken(Refuse()):
        lost = {
            "MLFLOW_TRACKING_URI": dead.url,
            "OPTUNA_STORAGE": postgres.through(dead.host, dead.port).url,
        }
        printed = run_on_three_machines(file, s3, tmp_path / "one", **lost)
    assert "MLflow cannot be written (" in printed and "Optuna cannot be written (" in printed
    assert f"them later with: sweep sync real --store {store}" in printed
    assert "best β: " in printed and "failed; run it again" not in printed
    with mlflow_server(tables.url, artifacts.url, tmp_path, artifacts.environment) as server:
        variables = {"MLFLOW_TRACKING_URI": server.url, "OPTUNA_STORAGE": postgres.url}
        other = tmp_path / "other"
        printed += finish(start("sync", "real", "--store", store, cache=other, **variables))
        client = MlflowClient(server.url)
        runs = client.search_runs([client.get_experiment_by_name("real").experiment_id])
        kinds = Counter(run.data.tags["kind"] for run in runs)
        assert kinds == {"sweep": 1, "setting": 2, "run": 4}
        assert {run.info.status for run in runs} == {"FINISHED"}
        for run in (run for run in runs if run.data.tags["kind"] == "run"):
            folder = run.data.tags["folder"]
            assert folder == f"{store}/runs/{run.data.tags['run']}"
            files = {file.path for file in client.list_artifacts(run.info.run_id)}
            shown = {"config.json", "history.json", "result.json", TRAVERSAL_FILE}
            assert files - {"model"} == shown
        assert len(list(other.rglob("runs/*/model.safetensors"))) == 1  # the best one's alone
        monkeypatch.setenv("SWEEP_CACHE", str(other))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        check_models_come_from_the_store(s3, store, runs)
        logged = str([run.to_dictionary() for run in runs])
    here = Store(store)
    study = optuna.load_study(
        study_name=study_name(here.load_spec("real"), here), storage=postgres.url
    )
    states = {t.user_attrs["setting"]: t.state for t in study.get_trials()}
    assert states == dict.fromkeys(range(2), optuna.trial.TrialState.COMPLETE)
    for secret in (PASSWORD, SECRET):
        assert secret not in printed + logged
        for folder in ("one", "other"):
            for path in (tmp_path / folder).rglob("*"):
                assert not path.is_file() or secret.encode() not in path.read_bytes(), path
        for bucket in (s3, artifacts):
            for key in S3.keys(bucket):
                content = s3.client().get_object(Bucket=bucket.bucket, Key=key)["Body"].read()
                assert secret.encode() not in content, key


def test_without_a_server_the_mlflow_runs_of_an_s3_store_are_kept_on_this_machine(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    spec, data = a_spec(parameters={"beta": {"values": [4]}}), a_dataset()
    for machine in ("one", "other"):
        monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / machine))
        store = Store(f"{s3.url}/store")
        store.prepare()
        store.save_spec(spec)
        queue = TrialQueue(Sweep(spec, store, data), Searcher(spec))
        while isinstance(block := queue.next(), Block):
            for run in block.runs:
                write_made_up(store, spec, data, run, 0.9)
            train_made_up(store, data, block.runs)
            for run in block.runs:
                store.keep(f"runs/{run.id}")
            queue.ended(block)
        sync(spec, store)
        assert store.path("mlflow.db").exists()
        assert len(list(store.path("mlruns").rglob("artifacts/result.json"))) == 2
        assert not list(store.path("mlruns").rglob("artifacts/model.safetensors"))
    assert not s3.keys("store/ml")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "https://me:hidden-word@example.org/ml"])
def test_the_pages_of_a_server_are_named_not_started(tmp_path, monkeypatch, capsys, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert main(["ui", "--store", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert uri.replace("hidden-word", "***") in printed and "hidden-word" not in printed
