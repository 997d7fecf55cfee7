"""The best model of a sweep in MLflow's registry: one version a model, loaded by MLflow itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from evaluation.result_file import read_result, write_result
from sweeps import load_model
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.tracking.mlflow.registry import ALIAS
from sweeps.tracking.tracker import Tracker, sync
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.servers.mlflow_server import mlflow_server
from tests.sweeps.made_up import a_dataset, a_spec, train_made_up, write_made_up
from trainer.errors import UserError

ISA = {"objective": {"name": "isa_vae", "subspaces": 2}, "architecture": "mlp", "steps": 3}
SPEC = a_spec(
    parameters={"beta": {"values": [1, 4]}, "latents": {"value": 4}}, seeds=3, trainer=ISA
)
DATA = a_dataset()
IMAGES = DATA.images(np.arange(5))
FLOATS = (IMAGES / DATA.levels).astype(np.float32)  # as the signature has them


@pytest.fixture(autouse=True)
def own_database(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    yield
    mlflow.set_tracking_uri(None)


@pytest.fixture
def store(tmp_path, empty_database) -> Store:
    """Really trained models with made-up scores, 0.2 at β = 1, 0.8 at β = 4; seed 1 is typical."""
    store = Store(tmp_path / "store")
    store.prepare()
    store.save_spec(SPEC)
    store.path("mlflow.db").write_bytes(empty_database.read_bytes())
    queue = TrialQueue(Sweep(SPEC, store, DATA), Searcher(SPEC))
    while isinstance(block := queue.next(), Block):
        for run in block.runs:
            score = run.config.beta / 5 + 0.01 * run.config.seed
            write_made_up(store, SPEC, DATA, run, score)
        train_made_up(store, DATA, block.runs)
    return store


def folder_of(store: Store, beta: float, seed: int) -> Path:
    rows = Sweep(SPEC, store, DATA).snapshot().rows
    return Path(next(row.folder for row in rows if (row.beta, row.seed) == (beta, seed)))


def rescore(folder: Path, score: float) -> None:
    """Gives a run another score."""
    result = read_result(folder)
    for evaluation in result["evaluations"].values():
        evaluation["measures"]["higgins"] |= {"score": score, "scores": [score] * 3}
    write_result(folder, result)


def client(store: Store) -> MlflowClient:
    return MlflowClient(f"sqlite:///{store.path('mlflow.db')}")


def versions(store: Store) -> dict[str, str]:
    """The run of each version of the sweep's model."""
    found = client(store).search_model_versions(f"name = '{SPEC.name}'")
    return {str(version.version): version.tags["run"] for version in found}


def best_version(store: Store) -> str:
    return str(client(store).get_model_version_by_alias(SPEC.name, ALIAS).version)


def test_mlflows_own_loader_gives_the_best_model(store):
    sync(SPEC, store)
    best = folder_of(store, 4, 1)
    assert versions(store) == {"1": best.name}
    card = client(store).get_registered_model(SPEC.name).description
    assert "β = 4" in card and "factors was not measured" in card
    mlflow.set_tracking_uri(f"sqlite:///{store.path('mlflow.db')}")
    loaded = mlflow.pyfunc.load_model(f"models:/{SPEC.name}/1")
    expected = load_model(best)
    np.testing.assert_array_equal(loaded.predict(FLOATS), expected.encode(IMAGES)[0])
    example = loaded.input_example
    assert loaded.predict(example).shape == (len(example), 4)
    assert loaded.metadata.get_input_schema().inputs[0].shape == (-1, 1, 32, 32)
    model = loaded.get_raw_model()
    assert (model.config.beta, model.config.seed) == (4.0, 1)
    np.testing.assert_array_equal(model.sample(4, seed=7), expected.sample(4, seed=7))
    again = mlflow.pyfunc.load_model(f"models:/{SPEC.name}@best").predict(FLOATS)
    np.testing.assert_array_equal(again, expected.encode(IMAGES)[0])


def test_nothing_of_it_is_pickled(store):
    sync(SPEC, store)
    root = next(store.path("mlruns").rglob("MLmodel")).parent
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert files == {
        *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"),
        *("data/run/config.json", "data/run/model.safetensors"),
        *("input_example.json", "serving_input_example.json"),
    }


def test_a_model_is_registered_once_and_a_better_one_as_the_next_version(store):
    first, second = folder_of(store, 4, 1), folder_of(store, 1, 1)
    for _ in range(2):
        sync(SPEC, store)
        assert versions(store) == {"1": first.name}
    for seed in range(3):
        rescore(folder_of(store, 1, seed), 0.99 - 0.01 * seed)
    sync(SPEC, store)
    assert versions(store) == {"1": first.name, "2": second.name}
    assert best_version(store) == "2"
    for seed in range(3):
        rescore(folder_of(store, 1, seed), 0.1)
    sync(SPEC, store)  # the first is best again: it is there already
    assert len(versions(store)) == 2 and best_version(store) == "1"


def test_a_model_by_folder_by_run_and_by_version(store):
    sync(SPEC, store)
    folder = folder_of(store, 4, 1)
    run = next(
        found.info.run_id
        for found in client(store).search_runs(["1"])
        if found.data.tags.get("run") == folder.name
    )
    means, variances = load_model(folder).encode(IMAGES)
    for source in (f"runs:/{run}", f"models:/{SPEC.name}/1", f"models:/{SPEC.name}@best"):
        found = load_model(source, store.location).encode(IMAGES)
        np.testing.assert_array_equal(found, (means, variances))


def test_the_best_model_of_a_store_that_was_moved_is_found(store, tmp_path):
    sync(SPEC, store)
    expected = load_model(folder_of(store, 4, 1)).encode(IMAGES)
    store.root.rename(tmp_path / "moved")
    found = load_model(f"models:/{SPEC.name}@best", tmp_path / "moved").encode(IMAGES)
    np.testing.assert_array_equal(found, expected)
    assert not store.root.exists()


def test_what_does_not_exist_is_one_line(store, tmp_path):
    sync(SPEC, store)
    for source in ("models:/other/1", f"models:/{SPEC.name}/9", "runs:/abc", "models:/x@best"):
        with pytest.raises(UserError, match=r"MLflow has no such model: .*not found") as error:
            load_model(source, store)
        assert str(error.value).startswith(source) and "\n" not in str(error.value)
    with pytest.raises(UserError, match="has no MLflow runs yet"):
        load_model("models:/made-up/1", tmp_path / "empty")
    with pytest.raises(UserError, match="is not a run folder"):
        load_model(tmp_path)


def test_a_registry_that_fails_stops_nothing_and_is_caught_up_later(store, monkeypatch):
    monkeypatch.setattr("sweeps.tracking.background.PATIENCE", 0.2)
    monkeypatch.setattr("sweeps.tracking.background.PAUSES", (0.01,))
    database = store.path("mlflow.db")
    with closing(sqlite3.connect(database)) as broken:
        broken.execute("ALTER TABLE registered_models RENAME TO away")
    tracker = Tracker(Sweep(SPEC, store, DATA))
    TrialQueue(Sweep(SPEC, store, DATA), Searcher(SPEC), [tracker]).replay()
    tracker.sweep_ended(Sweep(SPEC, store, DATA).snapshot().answer, None)
    assert tracker.close() is False
    (sweep,) = client(store).search_runs(["1"], "tags.kind = 'sweep'")
    assert sweep.info.status == "FINISHED" and sweep.data.params["best.beta"] == "4.0"
    with closing(sqlite3.connect(database)) as broken:
        broken.execute("ALTER TABLE away RENAME TO registered_models")
    sync(SPEC, store)
    assert versions(store) == {"1": folder_of(store, 4, 1).name}


def test_a_sweep_whose_best_seeds_all_failed_registers_nothing(store):
    for beta in (1, 4):
        for seed in range(3):
            folder = folder_of(store, beta, seed)
            write_result(folder, {**read_result(folder), "state": "failed", "evaluations": {}})
    sync(SPEC, store)
    assert versions(store) == {}


def test_a_server_stores_and_serves_the_model_over_http(store, tmp_path, monkeypatch):
    database = f"sqlite:///{store.path('mlflow.db')}"
    with mlflow_server(database, str(tmp_path / "artifacts"), tmp_path) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        for _ in range(2):
            sync(SPEC, store)
        expected = load_model(folder_of(store, 4, 1)).encode(IMAGES)[0]
        np.testing.assert_array_equal(load_model("models:/made-up/1").encode(IMAGES)[0], expected)
        mlflow.set_tracking_uri(server.url)
        loaded = mlflow.pyfunc.load_model("models:/made-up@best")
        np.testing.assert_array_equal(loaded.predict(FLOATS), expected)
        with pytest.raises(UserError, match=r"MLflow has no such model: .*not found"):
            load_model("models:/made-up/2")
