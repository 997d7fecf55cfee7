"""`sweep run --detach` on a real Ray cluster: submitted, seen, stopped, gone on with, ended."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeps.run_store import Store
from tests.servers.ray_cluster import RayCluster, ray_cluster

FILE = """
name: away
dataset: {name: dsprites, size: 16, factors: {scale: 3, orientation: 4, posX: 4, posY: 4}}
method: grid
parameters: {beta: {values: [1, 4]}, latents: {value: 2}}
seeds: 2
trainer: {architecture: mlp, batch_size: 16, steps: 200_000}
metric: {name: mig}
evaluation: {mig: {}}
"""
SECONDS = 240  # that anything may take


@pytest.fixture(scope="module")
def cluster():
    with ray_cluster(cpus=1) as cluster:
        yield cluster


class Away:
    """The command line of somebody who is not on the cluster."""

    def __init__(self, cluster: RayCluster, folder: Path):
        self.file, self.store = folder / "away.yaml", Store(folder / "store")
        self.file.write_text(FILE)
        self._address = ["--address", cluster.dashboard, "--store", self.store.location]
        self._environment = cluster.environment | {
            "AWS_SECRET_ACCESS_KEY": "planted-secret",
            "MLFLOW_TRACKING_URI": "",
            "SWEEP_CACHE": str(folder / "cache"),
        }
        self._folder = folder

    def sweep(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sweeps", *arguments, *self._address]
        return subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True
        )


def until(found, what: str):
    end = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < end, f"no {what}"
        time.sleep(0.1)
    return value


def test_a_sweep_is_submitted_stopped_and_resumed(cluster, tmp_path):
    away = Away(cluster, tmp_path)

    sent = away.sweep("run", str(away.file), "--detach")
    assert sent.returncode == 0, sent.stderr
    assert sent.stderr == ""
    for command in ("status", "logs", "stop"):
        assert f"sweep {command}" in sent.stdout
    away.file.unlink()  # its text was sent
    until(lambda: list(tmp_path.glob("store/runs/*/config.json")), "run began")
    spec = str(tmp_path / "store/sweeps/away/spec.yaml")

    stopped = away.sweep("stop", "away")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert away.store.holder("away") is None
    checkpoints = list(tmp_path.glob("store/runs/*/checkpoint-*.safetensors"))
    assert len(checkpoints) == 2  # of both seeds of the trial at work
    assert not list(tmp_path.glob("store/runs/*/training.json"))

    assert away.sweep("run", spec, "--detach", "trainer.steps=300").returncode == 0
    followed = away.sweep("logs", "away", "--follow").stdout
    assert "best β" in followed
    ended = json.loads(away.sweep("status", "away", "--json").stdout)
    assert (ended["finished"], ended["pending"], ended["running"]) == (4, 0, None)
    assert ended["job"]["state"] == "SUCCEEDED"
    assert "planted-secret" not in followed + json.dumps(ended)


CALL = """
import ray, sys
from pathlib import Path
from sweeps.cluster.connection import cluster
from sweeps.sweepfile import Resources
with cluster(sys.argv[1], Resources(), Path.cwd()):
    @ray.remote(num_cpus=1)
    def where():
        import evaluation, os, sweeps, trainer
        modules = [module.__file__ for module in (sweeps, evaluation, trainer)]
        return modules, os.environ.get("AWS_REGION"), "planted" in str(dict(os.environ))
    print(ray.get(where.remote()))
"""


def test_a_driver_that_is_not_on_the_cluster_sends_its_code(cluster, tmp_path):
    environment = cluster.environment | {"AWS_REGION": "here-1", "MLFLOW_TRACKING_URI": "planted"}
    command = [sys.executable, "-c", CALL, cluster.gcs]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.count("/runtime_resources/py_modules_files/") == 3, done.stderr
    assert done.stdout.strip().endswith("'here-1', False)")
