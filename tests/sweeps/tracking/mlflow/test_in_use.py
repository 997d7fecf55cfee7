"""MLflow as people treat it: what they change there stays, and what cannot work is said."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from mlflow import MlflowClient

from evaluation.analysis.choose import choose
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.tracking.background import Background
from sweeps.tracking.mlflow.database import check, sqlite_uri
from sweeps.tracking.mlflow.relocation import follow
from sweeps.tracking.mlflow.writer import MlflowWriter
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up
from trainer.errors import UserError

MIG = {"metric": {"name": "mig"}, "evaluation": {"mig": {}}, "seeds": 1}
SPEC = a_spec(parameters={"beta": {"values": [1, 4]}, "latents": {"value": 2}}, **MIG)
WIDER = a_spec(parameters={"beta": {"values": [1, 4, 9]}, "latents": {"value": 2}}, **MIG)
DATA = a_dataset()
NOTE = "mlflow.note.content"


@pytest.fixture(autouse=True)
def no_registry(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(MlflowWriter, "_register_best", lambda *_: None)


@pytest.fixture
def store(tmp_path, empty_database) -> Store:
    return a_store(tmp_path / "store", empty_database)


def a_store(folder, empty_database) -> Store:
    store = Store(folder)
    store.prepare()
    shutil.copyfile(empty_database, store.path("mlflow.db"))
    return store


def write(store: Store, spec=SPEC, best: float = 4) -> None:
    """All of a sweep, whose best β is `best`."""
    sweep = Sweep(spec, store, DATA)
    queue = TrialQueue(sweep, Searcher(spec, sweep.proposed()))
    while isinstance(queue.next(), Block):
        pass  # the settings are recorded
    writer = MlflowWriter(spec, store, "mig")
    for parameters in sweep.proposed().values():
        for run in sweep.runs(parameters):
            score = 0.9 if parameters["beta"] == best else 0.1
            write_made_up(store, spec, DATA, run, score, "mig")
    snapshot = sweep.snapshot()
    for result in snapshot.results:
        setting = next(s for s in store.settings(spec) if s.number == result["setting"])
        writer.write_run(setting, result)
    for setting in store.settings(spec):
        rows = [row for row in snapshot.rows if row.setting == setting.number]
        writer.write_setting(setting, choose(rows, "maximize").best)
    writer.write_sweep(snapshot.answer, None)


def runs(client: MlflowClient) -> dict[str, list]:
    """All runs of the sweep's experiment by kind."""
    found: dict[str, list] = {"sweep": [], "setting": [], "run": []}
    experiment = client.get_experiment_by_name(SPEC.name).experiment_id
    for run in client.search_runs([experiment]):
        found[run.data.tags["kind"]].append(run)
    return found


def client_of(store: Store) -> MlflowClient:
    return MlflowClient(sqlite_uri(store.path("mlflow.db")))


def test_a_deleted_experiment_is_restored(store):
    write(store)
    client = client_of(store)
    client.delete_experiment(client.get_experiment_by_name(SPEC.name).experiment_id)
    write(store)
    assert client.get_experiment_by_name(SPEC.name).lifecycle_stage == "active"
    assert [len(found) for found in runs(client).values()] == [1, 2, 2]


def test_names_tags_and_notes_of_the_users_stay_when_the_answer_changes(store):
    write(store)
    client = client_of(store)
    for kind in ("sweep", "setting", "run"):
        for run in runs(client)[kind]:
            client.update_run(run.info.run_id, name=f"my {kind}")
            client.set_tag(run.info.run_id, "mine", kind)
    (sweep,) = runs(client)["sweep"]
    assert sweep.data.params["best.beta"] == "4.0" and "Best β 4" in sweep.data.tags[NOTE]
    write(store, best=1)
    for kind, found in runs(client).items():
        assert {run.info.run_name for run in found} == {f"my {kind}"}
        assert {run.data.tags["mine"] for run in found} == {kind}
    (sweep,) = runs(client)["sweep"]
    assert sweep.data.params["best.beta"] == "1.0" and "Best β 1" in sweep.data.tags[NOTE]
    assert sweep.info.end_time >= sweep.info.start_time
    client.set_tag(sweep.info.run_id, NOTE, "for the paper")
    write(store, best=4)
    assert runs(client)["sweep"][0].data.tags[NOTE] == "for the paper"


def test_a_sweep_that_is_extended_stays_one_run_with_all_settings_below_it(store):
    write(store)
    write(store, WIDER)
    found = runs(client_of(store))
    (sweep,) = found["sweep"]
    assert sweep.data.tags["search"] == WIDER.search_id
    assert sweep.data.metrics["matters.beta"] == pytest.approx(1.0)  # of three, one seed each
    assert sweep.info.end_time >= sweep.info.start_time
    parents = {run.data.tags["mlflow.parentRunId"] for run in found["setting"]}
    assert parents == {sweep.info.run_id} and len(found["setting"]) == 5
    assert len(found["run"]) == 3  # of both searches alike


def test_two_stores_with_a_sweep_of_the_same_name_have_a_run_each_in_one_database(
    store, tmp_path, empty_database, monkeypatch
):
    other = a_store(tmp_path / "other", empty_database)
    shutil.copyfile(empty_database, tmp_path / "common.db")
    uri = sqlite_uri(tmp_path / "common.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for _ in range(2):
        write(store)
        write(other, WIDER)
    assert [len(found) for found in runs(MlflowClient(uri)).values()] == [2, 5, 3]


def test_addresses_of_artifacts_follow_a_store_that_is_moved(store, tmp_path):
    write(store)
    store.root.rename(tmp_path / "moved [x] %25")
    moved = Store(tmp_path / "moved [x] %25")
    write(moved, best=1)
    assert not store.root.exists()
    for found in runs(client_of(moved)).values():
        assert all(run.info.artifact_uri.startswith(moved.root.as_uri()) for run in found)
    (run, _) = runs(client_of(moved))["run"]
    assert "result.json" in {f.path for f in client_of(moved).list_artifacts(run.info.run_id)}


def test_another_database_follows_only_what_is_here_and_nowhere_else(store, tmp_path, monkeypatch):
    shutil.copyfile(store.path("mlflow.db"), tmp_path / "common.db")
    uri = sqlite_uri(tmp_path / "common.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    write(store)
    places = [tmp_path / name for name in ("copy", "moved")]
    shutil.copytree(store.root, places[0])
    follow(uri, places[0] / "mlruns", own=False)
    assert runs(MlflowClient(uri))["run"][0].info.artifact_uri.startswith(store.root.as_uri())
    store.root.rename(places[1])
    follow(uri, places[1] / "mlruns", own=False)
    assert runs(MlflowClient(uri))["run"][0].info.artifact_uri.startswith(places[1].as_uri())


def test_a_group_that_shares_the_store_may_write_its_database(empty_database):
    assert empty_database.stat().st_mode & 0o777 == 0o664


def test_a_question_mark_in_the_path_does_not_end_it(tmp_path, monkeypatch, empty_database):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a?b 100%25" / "mlflow.db"
    path.parent.mkdir()
    shutil.copyfile(empty_database, path)
    MlflowClient(sqlite_uri(path)).create_experiment("mine")
    with closing(sqlite3.connect(path)) as database:
        assert ("mine",) in database.execute("SELECT name FROM experiments").fetchall()
    assert {p.name for p in tmp_path.iterdir()} == {"a?b 100%25", "cache"}


def test_a_database_of_another_version_is_not_upgraded_unasked(tmp_path, empty_database):
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_database, path)
    check(sqlite_uri(path))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'of_last_year'")
        database.execute("DROP TABLE logged_models")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"another version of MLflow .*mlflow db upgrade"):
        check(sqlite_uri(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "./mlflow.db"])
def test_an_address_that_is_no_server_and_no_database_is_reported_at_the_start(
    store, uri, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    said: list[str] = []
    tracker = Background("MLflow", lambda: MlflowWriter(SPEC, store, "mig"), say=said.append)
    tracker.close(seconds=20)
    (line,) = said
    assert line.startswith(
        f"MLflow cannot be written (MLFLOW_TRACKING_URI='{uri}' is neither a server"
    )
