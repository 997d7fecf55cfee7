"""MLflow's copy: complete, never doubled, whatever breaks on the way, and never in the way."""

import itertools
import json
import os
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.table import rows_from_dataframe
from evaluation.result_file import write_result
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.tracking.background import Background
from sweeps.tracking.mlflow.pages import pages_of, record
from sweeps.tracking.mlflow.writer import MlflowWriter
from sweeps.tracking.tracker import Tracker, sync
from sweeps.trials.trial_queue import Block, Observer, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up
from trainer.errors import UserError

SPEC, DATA = a_spec(parameters={"beta": {"values": [1, 4]}}), a_dataset()


@pytest.fixture(autouse=True)
def own_database(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("OPTUNA_STORAGE", raising=False)
    # a second each time, and test_registry.py is about it
    monkeypatch.setattr(MlflowWriter, "_register_best", lambda *_: None)


@pytest.fixture
def store(tmp_path, empty_database) -> Store:
    """A finished sweep of two settings; one run diverged."""
    store = Store(tmp_path / "store")
    store.prepare()
    store.save_spec(SPEC)
    store.path("mlflow.db").write_bytes(empty_database.read_bytes())
    queue = TrialQueue(Sweep(SPEC, store, DATA), Searcher(SPEC))
    while isinstance(block := queue.next(), Block):
        for run in block.runs:
            diverged = run.config.beta == 4 and run.config.seed == 1
            score = None if diverged else 1 / (1 + run.config.beta)
            write_made_up(store, SPEC, DATA, run, score)
    report = store.report_folder(SPEC)
    report.mkdir(parents=True)
    (report / "index.html").write_text("the answer")
    return store


class Written(Observer):
    """Writes to MLflow at once, in the thread of the test."""

    def __init__(self, writer: MlflowWriter):
        self.writer = writer

    def run_ended(self, setting, run, result, stored):
        self.writer.write_run(setting, result)

    def setting_ended(self, setting, summary):
        self.writer.write_setting(setting, summary)


def write_all(store: Store) -> None:
    writer = MlflowWriter(SPEC, store, "higgins")
    TrialQueue(Sweep(SPEC, store, DATA), Searcher(SPEC), [Written(writer)]).replay()
    writer.write_sweep(Sweep(SPEC, store, DATA).snapshot().answer, None)


def client(store: Store):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{store.path('mlflow.db')}")


def test_a_report_finds_the_page_of_a_run(store, monkeypatch):
    assert pages_of(store, SPEC.name) is None
    write_all(store)
    one = next(run for run in all_runs(store) if run.data.tags["kind"] == "run")
    pages, name = pages_of(store, SPEC.name), one.data.tags["run"]
    place = f"http://127.0.0.1:5000/#/experiments/{one.info.experiment_id}/runs"
    assert pages.of(name) == f"{place}/{one.info.run_id}" and not pages.served

    (wanted,) = parse_qs(pages.of("later").partition("?")[2])["searchFilter"]
    found = client(store).search_runs([one.info.experiment_id], wanted.replace("later", name))
    assert [run.info.run_id for run in found] == [one.info.run_id]

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@mlflow.lab/base/")
    record(store, SPEC.name, "7")
    pages = pages_of(store, SPEC.name)
    assert pages.served and pages.of("a").startswith(
        "https://mlflow.lab/base/#/experiments/7/runs?"
    )


def all_runs(store: Store) -> list:
    found = client(store).get_experiment_by_name(SPEC.name)
    return client(store).search_runs([found.experiment_id]) if found else []


def content(store: Store) -> list:
    """All that MLflow has, without its own ids and the times of writing."""
    runs = all_runs(store)
    names = {run.info.run_id: run.info.run_name for run in runs}
    found = []
    for run in runs:
        tags = dict(run.data.tags)
        parent = names.get(tags.pop("mlflow.parentRunId", ""))
        history = {
            key: sorted(
                (m.step, m.value) for m in client(store).get_metric_history(run.info.run_id, key)
            )
            for key in run.data.metrics
        }
        files = sorted(f.path for f in client(store).list_artifacts(run.info.run_id))
        found.append(
            (run.info.run_name, run.info.status, parent, tags, run.data.params, history, files)
        )
    return sorted(found, key=lambda entry: entry[0])


def test_there_is_a_run_for_the_sweep_one_per_setting_and_one_per_seed(store):
    sync(SPEC, store)
    runs = {run.info.run_name: run for run in all_runs(store)}
    assert Counter(run.data.tags["kind"] for run in runs.values()) == {
        "sweep": 1,
        "setting": 2,
        "run": 4,
    }
    seed = runs["β 1, M 10 · seed 0"]
    setting = next(
        r for r in runs.values() if r.info.run_id == seed.data.tags["mlflow.parentRunId"]
    )
    assert setting.info.run_name == "β 1, M 10"
    assert setting.data.tags["mlflow.parentRunId"] == runs[SPEC.name].info.run_id
    assert setting.data.metrics["higgins"] == 0.5
    assert seed.data.params["optimizer.lr"] == "0.001"
    assert seed.data.metrics["higgins.scores.2"] == 0.5
    assert seed.data.metrics["train/loss"] == 2.0
    assert runs["β 4, M 10 · seed 1"].info.status == "FAILED"
    best = runs[SPEC.name].data
    assert best.metrics["best.beta"] == best.metrics["beta"] == 1
    for name in ("score", "beta", "beta_norm", "latents", "reconstruction", "kl"):
        known = [name in level.data.metrics for level in (runs[SPEC.name], setting, seed)]
        assert len(set(known)) == 1, name  # at all three levels, or unknown at all
    for level in (runs[SPEC.name], setting, seed):
        assert level.data.params["beta"] == "1.0" and level.data.metrics["score"] == 0.5
    assert best.tags["mlflow.note.content"].startswith("# Best β 1\n\n")
    points = client(store).get_metric_history(seed.info.run_id, "train/kl_per_latent.0")
    assert [(p.step, p.value) for p in points] == [(5, 1.0), (10, 1.5)]


def test_the_answer_is_on_the_sweep_and_its_best_runs_are_tagged(store):
    sync(SPEC, store)
    runs = {run.info.run_name: run for run in all_runs(store)}
    params = runs[SPEC.name].data.params
    assert (params["best.beta"], params["best.setting"], params["best.verdict"]) == (
        "1.0",
        "0",
        "cannot tell",
    )
    assert (
        len(params["best.interval"].split(",")) == 2 and "values of beta" in params["best.reasons"]
    )
    tagged = {name for name, run in runs.items() if run.data.tags.get("best")}
    assert tagged == {"β 1, M 10", "β 1, M 10 · seed 0"}


def test_another_answer_takes_the_place_of_the_first(store):
    sync(SPEC, store)
    for file in store.root.glob("runs/*/result.json"):
        result = json.loads(file.read_text())
        for evaluation in result["evaluations"].values():
            score = 0.9 if result["config"]["beta"] == 4 else 0.1
            evaluation["measures"]["higgins"] |= {"score": score, "scores": [score] * 3}
        write_result(file.parent, result)
    sync(SPEC, store)
    runs = all_runs(store)
    (sweep,) = (run for run in runs if run.data.tags["kind"] == "sweep")
    assert sweep.data.params["best.beta"] == "4.0"
    settings = [run for run in runs if run.data.tags["kind"] == "setting"]
    assert {run.data.tags["mlflow.parentRunId"] for run in settings} == {sweep.info.run_id}
    tagged = {run.info.run_name for run in runs if run.data.tags.get("best")}
    assert tagged == {"β 4, M 10", "β 4, M 10 · seed 0"}
    before = content(store)
    sync(SPEC, store)
    assert content(store) == before


def test_artifacts_are_links_to_the_files_of_the_store(store):
    sync(SPEC, store)
    run = next(r for r in all_runs(store) if r.info.run_name == "β 1, M 10 · seed 0")
    names = {file.path for file in client(store).list_artifacts(run.info.run_id)}
    assert names == {"config.json", "model.safetensors", "history.json", "result.json"}
    copy = Path(run.info.artifact_uri.removeprefix("file://")) / "model.safetensors"
    original = store.run_folder(run.data.tags["run"]) / "model.safetensors"
    assert os.path.samefile(copy, original)


def test_the_analysis_reads_the_same_answer_back_from_mlflow(store):
    import mlflow

    sync(SPEC, store)
    mlflow.set_tracking_uri(f"sqlite:///{store.path('mlflow.db')}")
    rows = rows_from_dataframe(mlflow.search_runs(experiment_names=[SPEC.name]))
    ours = Sweep(SPEC, store, DATA).snapshot().rows
    assert {(r.run, r.state, r.scores) for r in rows} == {(r.run, r.state, r.scores) for r in ours}
    assert choose(rows).best.score == choose(ours).best.score


def test_writing_again_changes_nothing(store):
    sync(SPEC, store)
    before = content(store)
    sync(SPEC, store)
    assert content(store) == before


class Killed(BaseException):
    """Stands for kill -9: nothing may catch it."""


@pytest.mark.parametrize("calls", range(1, 22, 2))
def test_a_kill_at_any_call_leaves_nothing_missing_or_doubled(store, calls, monkeypatch):
    """Every change to MLflow is one of these calls; the process ends before or after one."""
    from mlflow import MlflowClient

    left = calls

    def dying(method):
        def call(self, *args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            result = method(self, *args, **kwargs)
            if left == 1 and calls % 4 == 1:
                raise Killed
            return result

        return call

    with monkeypatch.context() as patch:
        for name in ("create_run", "log_batch", "set_terminated"):
            patch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
        try:
            write_all(store)
        except Killed:
            pass
        else:
            assert calls > 15, "there are fewer calls than this test supposes"
    sync(SPEC, store)
    runs = all_runs(store)
    assert len(runs) == 7
    assert (
        Counter(r.data.tags["run"] for r in runs if "run" in r.data.tags).most_common(1)[0][1] == 1
    )
    assert {r.info.status for r in runs} == {"FINISHED", "FAILED"}
    seed = next(r for r in runs if r.info.run_name == "β 1, M 10 · seed 1")
    assert seed.data.metrics["higgins"] == 0.5
    assert len(client(store).get_metric_history(seed.info.run_id, "train/loss")) == 2


def test_what_fails_is_tried_again_and_nothing_is_lost(store, monkeypatch):
    """Connecting and writing fail now and then; every other time the server has done it already."""
    from mlflow import MlflowClient

    monkeypatch.setattr("sweeps.tracking.background.PAUSES", (0.01,))
    calls = itertools.count(1)

    def flaky(method):
        def call(self, *args, **kwargs):
            number = next(calls)
            if number % 5 == 0:
                raise OSError("the disk is full")
            result = method(self, *args, **kwargs)
            if number % 7 == 0:
                raise OSError("the answer was lost")
            return result

        return call

    with monkeypatch.context() as patch:
        for name in ("search_runs", "create_run", "log_batch", "set_terminated"):
            patch.setattr(MlflowClient, name, flaky(getattr(MlflowClient, name)))
        tracker = Tracker(Sweep(SPEC, store, DATA))
        TrialQueue(Sweep(SPEC, store, DATA), Searcher(SPEC), [tracker]).replay()
        assert tracker.close() and tracker.lacking() == []
    assert len(all_runs(store)) == 7
    assert next(calls) > 20


def test_a_run_created_twice_because_a_response_was_lost_exists_once(store):
    from mlflow import MlflowClient

    write_all(store)
    before = content(store)
    for run in all_runs(store):  # as after an outage at the worst moment
        client(store).create_run(
            run.info.experiment_id, tags=dict(run.data.tags), run_name=run.info.run_name
        )
    assert len(all_runs(store)) == 14
    write_all(store)
    assert content(store) == before
    own = MlflowClient(f"sqlite:///{store.path('mlflow.db')}")
    own.create_run(all_runs(store)[0].info.experiment_id, run_name="the user's")
    own.create_run(all_runs(store)[0].info.experiment_id, run_name="the user's")
    write_all(store)
    assert len(all_runs(store)) == 9


def test_what_mlflow_rejects_does_not_block_the_rest(store):
    write_all(store)
    run = next(r for r in all_runs(store) if r.info.run_name == "β 1, M 10 · seed 0")
    client(store).delete_run(run.info.run_id)
    other = client(store).create_run(run.info.experiment_id, tags=dict(run.data.tags))
    client(store).log_param(other.info.run_id, "beta", "a param that never changes again")
    with pytest.raises(UserError, match=r"MLflow lacks 1 of 7 entries \(.*param.*sweep sync"):
        sync(SPEC, store)
    assert (
        "best.beta"
        in next(r for r in all_runs(store) if r.data.tags["kind"] == "sweep").data.params
    )


def test_a_server_that_never_responds_costs_no_time_and_is_reported(monkeypatch):
    monkeypatch.setattr("sweeps.tracking.background.PATIENCE", 0.2)
    monkeypatch.setattr("sweeps.tracking.background.PAUSES", (0.01,))
    said, asked = [], threading.Event()

    def broken() -> None:
        asked.set()
        raise PermissionError("no access for postgresql://me:hidden-word@db/runs")

    copy = Background("MLflow", broken, say=said.append)
    for _ in range(1000):
        copy.put(lambda writer: None)
    assert asked.wait(10) and not copy.close()
    assert (copy.unwritten, copy.written) == (1000, 0)
    assert copy.problem == "PermissionError: no access for postgresql://me:***@db/runs"
    assert said == [f"MLflow cannot be written ({copy.problem}); training continues"]


def test_closing_does_not_wait_for_a_hanging_call(monkeypatch):
    over, begun = threading.Event(), threading.Event()

    def hang(writer: object) -> None:
        begun.set()
        over.wait()

    copy = Background("MLflow", object)
    copy.put(hang)
    copy.put(lambda writer: None)
    assert begun.wait(10)
    assert not copy.close(seconds=0.2)
    assert copy.unwritten == 2
    over.set()
    copy._thread.join(10)
    assert copy.unwritten == 1, "after closing nothing new is begun"


def test_two_searches_share_the_runs_they_have_in_common(store):
    sync(SPEC, store)
    wider = a_spec(parameters={"beta": {"values": [4, 1]}})
    queue = TrialQueue(Sweep(wider, store, DATA), Searcher(wider), [Observer()])
    assert not queue.more()
    store.save_spec(wider)
    sync(wider, store)
    kinds = Counter(run.data.tags["kind"] for run in all_runs(store))
    assert kinds == {"sweep": 1, "setting": 4, "run": 4}
