"""A real sweep on an S3 server that fails, killed, and finished by a machine that has nothing."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sweeps.api import best
from sweeps.run_store import Store
from sweeps.sweep_results import status
from tests.servers.proxy import Answer, Hang
from tests.servers.s3 import S3, s3_server
from tests.sweeps.made_up import DATA

SWEEP = {
    "name": "small",
    "dataset": dict(DATA),
    "method": "grid",
    "parameters": {"latents": {"value": 4}, "beta": {"values": [1, 8, 64]}},
    "seeds": 2,
    "evaluation": {"higgins": {"train": 300, "test": 200, "images": 256}},
    "trainer": {"architecture": "mlp", "batch_size": 16, "steps": 500},
}
RUNS = 6
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3_server() as server:
        yield server


def sweep(*words: str, server: S3, cache: Path) -> subprocess.Popen[str]:
    left_out = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")
    inherited = {key: value for key, value in os.environ.items() if key not in left_out}
    return subprocess.Popen(
        [sys.executable, "-m", "sweeps", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**inherited, **server.environment, "SWEEP_CACHE": str(cache)},
    )


def finish(process: subprocess.Popen[str]) -> str:
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return output


def done(server: S3) -> dict[str, float]:
    """When each result was last written, by run id."""
    found = server.client().list_objects_v2(Bucket=server.bucket, Prefix="store/runs/")
    entries = found.get("Contents", [])
    results = [entry for entry in entries if entry["Key"].endswith("/result.json")]
    return {entry["Key"].split("/")[2]: entry["LastModified"].timestamp() for entry in results}


def models(store: Store) -> dict[str, str]:
    """SHA-256 of each model by its run's id."""
    results = store.results(store.names("runs"))
    return {run: result["files"]["model.safetensors"]["sha256"] for run, result in results.items()}


def test_a_sweep_on_s3_survives_its_faults_and_ends_as_one_in_a_folder(
    server, tmp_path, monkeypatch
):
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(SWEEP))
    one, other, store = tmp_path / "one", tmp_path / "other", f"{server.url}/store"

    process = sweep("run", str(file), "--store", store, server=server, cache=one)
    while not server.keys("store/runs/"):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    server.proxy.inject(Answer(503), times=10)
    while not done(server):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = done(server)

    process = sweep("run", str(file), "--store", store, server=server, cache=other)
    faults = itertools.chain([Hang()], itertools.repeat(Answer(500)))
    while process.poll() is None and len(done(server)) < RUNS:
        if not server.proxy.is_faulty:  # one request in forty
            server.proxy.inject(next(faults), times=1, after=39)
        time.sleep(0.05)
    server.proxy.mend()
    assert "in the store: " in finish(process)
    after = done(server)
    assert len(after) == RUNS and {run: after[run] for run in before} == before

    folder = tmp_path / "store"
    finish(sweep("run", str(file), "--store", str(folder), server=server, cache=one))
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "third"))
    with server.in_environment():
        in_peace, harassed = Store(folder), Store(store)
        spec = harassed.load_spec("small")
        assert (status(spec, harassed).finished, status(spec, harassed).running) == (RUNS, None)
        assert "setting 1 (β 8, M 4): score " in harassed.read_text("sweeps/small/log.txt")
        assert models(harassed) == models(in_peace) != {}
        one, other = best("small", harassed), best("small", in_peace)
        assert (one.to_json(), one.sentences) == (other.to_json(), other.sentences)
        assert [b.to_json() for b in one.per_latents.values()] == [
            b.to_json() for b in other.per_latents.values()
        ]
