"""Tracking on a real MLflow server on Postgres and S3, which goes down, hangs, errs and is slow."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from evaluation.analysis.table import rows_from_dataframe
from sweeps.plan import runs_of
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from sweeps.tracking.mlflow.writer import MlflowWriter
from sweeps.tracking.tracker import Tracker, sync
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.servers.mlflow_server import MlflowServer, mlflow_server
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.proxy import Answer, Hang, Proxy, Refuse, Slow, proxied
from tests.servers.s3 import S3
from tests.sweeps.made_up import a_dataset, a_spec, train_made_up, write_made_up

DATA = a_dataset()
_names = itertools.count()


@dataclass(frozen=True)
class Tracking:
    """The server itself, a proxy before it, to which the environment points, and its bucket."""

    server: MlflowServer
    proxy: Proxy
    bucket: S3


@pytest.fixture(scope="module")
def started(
    postgres_of_session: Postgres, s3_of_session: S3, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tracking]:
    database, bucket = postgres_of_session.new_database(), s3_of_session.new_bucket()
    folder = tmp_path_factory.mktemp("mlflow")
    with (
        mlflow_server(database.url, bucket.url, folder, bucket.environment) as server,
        proxied((server.host, server.port)) as proxy,
    ):
        yield Tracking(server, proxy, bucket)


@pytest.fixture
def tracking(started: Tracking, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracking]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", started.proxy.url)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    monkeypatch.setattr("sweeps.tracking.background.PAUSES", (0.01,))
    # seconds each time, and test_registry.py is about it
    monkeypatch.setattr(MlflowWriter, "_register_best", lambda *_: None)
    yield started
    started.proxy.mend()


@pytest.fixture
def spec() -> SweepSpec:
    """A sweep of its own, so that the tests share a server and no experiment."""
    return a_spec(name=f"sweep-{next(_names)}", parameters={"beta": {"values": [4]}})


@pytest.fixture
def store(tmp_path: Path, spec: SweepSpec) -> Store:
    """A finished sweep of one setting and two runs, of which one diverged."""
    store = Store(tmp_path / "store")
    store.prepare()
    store.save_spec(spec)
    queue = TrialQueue(Sweep(spec, store, DATA), Searcher(spec))
    while isinstance(block := queue.next(), Block):
        for run in block.runs:
            write_made_up(store, spec, DATA, run, None if run.config.seed == 1 else 0.9)
    return store


def track(spec: SweepSpec, store: Store) -> Tracker:
    """Tells a tracker all that a sweep would."""
    tracker = Tracker(Sweep(spec, store, DATA))
    TrialQueue(Sweep(spec, store, DATA), Searcher(spec), [tracker]).replay()
    tracker.sweep_ended(Sweep(spec, store, DATA).snapshot().answer, None)
    return tracker


def abandoned(tracker: Tracker, seconds: float) -> str:
    """Closes a tracker that cannot write all; what it says. Its last call is over on return."""
    assert not tracker.close(seconds)
    (line,) = tracker.lacking()
    tracker._mlflow._thread.join()
    return line


def client(tracking: Tracking):
    from mlflow import MlflowClient

    return MlflowClient(tracking.server.url)


def all_runs(tracking: Tracking, spec: SweepSpec) -> list:
    found = client(tracking).get_experiment_by_name(spec.name)
    return client(tracking).search_runs([found.experiment_id]) if found else []


def check_complete(tracking: Tracking, spec: SweepSpec, store: Store) -> None:
    """The server has every run once, complete, with the scores and files of the store."""
    import mlflow

    runs = all_runs(tracking, spec)
    kinds = Counter(run.data.tags["kind"] for run in runs)
    assert kinds == {"sweep": 1, "setting": 1, "run": 2}
    assert Counter(run.info.status for run in runs) == {"FINISHED": 3, "FAILED": 1}
    by_id = {run.info.run_id: run for run in runs}
    for run in runs:
        if run.data.tags["kind"] != "sweep":
            parent = by_id[run.data.tags["mlflow.parentRunId"]]
            assert (run.data.tags["kind"], parent.data.tags["kind"]) in {
                ("run", "setting"),
                ("setting", "sweep"),
            }
    mlflow.set_tracking_uri(tracking.server.url)
    rows = rows_from_dataframe(mlflow.search_runs(experiment_names=[spec.name]))
    ours = Sweep(spec, store, DATA).snapshot().rows
    assert {(r.run, r.state, r.scores) for r in rows} == {(r.run, r.state, r.scores) for r in ours}
    for run in runs:
        if run.data.tags["kind"] == "run":
            points = client(tracking).get_metric_history(run.info.run_id, "train/loss")
            assert [(p.step, p.value) for p in points] == [(5, 3.0), (10, 2.0)]
            files = {file.path for file in client(tracking).list_artifacts(run.info.run_id)}
            assert files >= {"config.json", "history.json", "model.safetensors", "result.json"}


def test_every_run_is_there_once_and_syncing_again_sends_no_run_again(tracking, spec, store):
    assert track(spec, store).close()
    check_complete(tracking, spec, store)
    ids = {run.info.run_id for run in all_runs(tracking, spec)}
    objects = tracking.bucket.keys()
    before = tracking.proxy.requests
    sync(spec, store)
    check_complete(tracking, spec, store)
    assert {run.info.run_id for run in all_runs(tracking, spec)} == ids
    assert tracking.bucket.keys() == objects
    assert tracking.proxy.requests - before < 20


def test_a_model_comes_back_from_s3_as_it_was(tracking, spec, store, tmp_path):
    assert track(spec, store).close()
    for run in all_runs(tracking, spec):
        if run.data.tags["kind"] == "run":
            copy = client(tracking).download_artifacts(
                run.info.run_id, "model.safetensors", str(tmp_path)
            )
            original = store.run_folder(run.data.tags["run"]) / "model.safetensors"
            assert Path(copy).read_bytes() == original.read_bytes()
            key = f"{run.info.experiment_id}/{run.info.run_id}/artifacts/model.safetensors"
            assert tracking.bucket.keys(key) == [key]


@pytest.mark.parametrize("fault", [Answer(503), Refuse()])
def test_when_down_for_the_whole_sweep_it_lacks_everything_and_the_remedy_is_named(
    tracking, spec, store, fault, monkeypatch
):
    monkeypatch.setattr("sweeps.tracking.background.PATIENCE", 0.3)
    with tracking.proxy.broken(fault):
        line = abandoned(track(spec, store), seconds=60)
    assert all_runs(tracking, spec) == []
    assert line.startswith("MLflow lacks 4 of 4 entries (")
    assert line.endswith(
        f"; write them later with: sweep sync {spec.name} --store {store.location}"
    )
    sync(spec, store)
    check_complete(tracking, spec, store)


@pytest.mark.parametrize(("fault", "passing"), [(Answer(500), 3), (Refuse(), 11), (Slow(0.05), 6)])
def test_trouble_halfway_leaves_nothing_to_do(tracking, spec, store, fault, passing):
    """`passing` requests pass, fifteen meet the fault, and the rest pass again."""
    before = tracking.proxy.injected
    tracking.proxy.inject(fault, times=15, after=passing)
    assert track(spec, store).close()
    assert tracking.proxy.injected == before + 15
    check_complete(tracking, spec, store)


def test_lost_responses_duplicate_nothing(tracking, spec, store, monkeypatch):
    """The server does what it is asked, later than the client waits for it, now and then."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    tracking.proxy.inject(Slow(1.3), times=4, after=3)  # among them, runs being made
    assert track(spec, store).close()
    check_complete(tracking, spec, store)


def test_a_silent_server_is_given_up_in_bounded_time(tracking, spec, store):
    with tracking.proxy.broken(Hang()):
        tracker = track(spec, store)
        assert not tracker.close(seconds=0.3)
        assert tracker.lacking()[0].startswith("MLflow lacks 4 of 4 entries (it is slow)")
    tracker._mlflow._thread.join()
    sync(spec, store)
    check_complete(tracking, spec, store)


def test_a_slow_server_gets_what_fits_and_the_rest_later(tracking, spec, store):
    with tracking.proxy.broken(Slow(0.3)):
        assert "it is slow" in abandoned(track(spec, store), seconds=1)
    sync(spec, store)
    check_complete(tracking, spec, store)


def test_a_database_can_be_written_without_a_server(spec, store, postgres, monkeypatch):
    """Its artifacts stay in the store, and its password nowhere."""
    from mlflow import MlflowClient

    train_made_up(store, DATA, runs_of(spec, DATA, {"beta": 4}))
    MlflowClient(postgres.url).search_experiments()  # makes the tables
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres.url)
    MlflowWriter(spec, store, "higgins")
    sync(spec, store)
    client = MlflowClient(postgres.url)
    runs = client.search_runs([client.get_experiment_by_name(spec.name).experiment_id])
    assert len(runs) == 4
    assert {
        Path(run.info.artifact_uri.removeprefix("file://")).parents[2].name for run in runs
    } == {"mlruns"}
    for file in store.root.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), file
    assert PASSWORD not in str([run.to_dictionary() for run in runs])
