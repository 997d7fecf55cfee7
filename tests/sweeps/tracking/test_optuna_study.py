"""The study in Optuna's database: on a real Postgres, the same as the store, whatever breaks."""

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.scheduling.unscored import give_up
from sweeps.search.optuna_method import distribution
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from sweeps.tracking.background import Background
from sweeps.tracking.optuna_study import OptunaWriter, StudyEntry, study_name
from sweeps.tracking.tracker import Tracker
from sweeps.trials.early_scores import EarlyScores
from sweeps.trials.trial_queue import Block, Observer, TrialQueue
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.proxy import Hang, Refuse, proxied
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up

DATA = a_dataset()
SPEC = a_spec(
    method="bayes",
    settings=14,
    lookahead=2,
    parameters={
        "beta": {"distribution": "log_uniform", "min": 0.5, "max": 64},
        "latents": {"values": [2, 4]},
    },
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres: Postgres) -> None:
    monkeypatch.setenv("OPTUNA_STORAGE", postgres.url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr("sweeps.tracking.background.PAUSES", (0.01,))
    # of MLflow, which other tests try
    monkeypatch.setattr("sweeps.tracking.tracker._mlflow_writer", lambda *_: Nothing())


class Nothing:
    """Stands for a connection to MLflow that writes all at once."""

    def __getattr__(self, name: str):
        return lambda *_: None


def score(setting: Setting) -> float | None:
    if setting.number == 3:
        return None
    return round(256 / (1 + abs(setting.parameters["beta"] - 4))) / 256  # a mean of it is exact


def a_store(folder: Path) -> Store:
    store = Store(folder)
    store.prepare()
    return store


def run(spec: SweepSpec, store: Store, observer: Observer, stop: int = 1000) -> list[Setting]:
    """A sweep without training, over after `stop` settings; those that it proposed."""
    queue = TrialQueue(Sweep(spec, store, DATA), Searcher(spec), [observer])
    queue.replay()
    proposed = []
    while len(proposed) < stop and isinstance(block := queue.next(), Block):
        observer.trial_began(block)
        for one in block.runs:
            write_made_up(store, spec, DATA, one, score(block.setting))
        queue.ended(block)
        proposed.append(block.setting)
    return proposed


def study(spec: SweepSpec, store: Store, url: str) -> optuna.Study:
    return optuna.load_study(study_name=study_name(spec, store), storage=url)


def content(found: optuna.Study) -> list:
    return [(t.user_attrs["setting"], t.params, t.value, t.state) for t in found.get_trials()]


def expected(settings: list[Setting]) -> list:
    failed = {3: TrialState.FAIL}
    return [
        (s.number, s.parameters, score(s), failed.get(s.number, TrialState.COMPLETE))
        for s in settings
    ]


def test_the_study_is_the_search(tmp_path, postgres):
    store = a_store(tmp_path / "store")
    tracker = Tracker(Sweep(SPEC, store, DATA))
    settings = run(SPEC, store, tracker)
    assert tracker.close()
    found = study(SPEC, store, postgres.url)
    assert content(found) == expected(settings)
    assert found.direction == optuna.study.StudyDirection.MAXIMIZE
    assert (
        found.best_trial.user_attrs["setting"]
        == max((s for s in settings if s.number != 3), key=score).number
    )
    assert postgres.query("SELECT count(*) FROM trials") == [(14,)]


def test_proposals_are_the_same_with_a_study_and_without(tmp_path, monkeypatch):
    with_study = run(
        SPEC,
        a_store(tmp_path / "a"),
        tracker := Tracker(Sweep(SPEC, a_store(tmp_path / "a"), DATA)),
    )
    tracker.close()
    assert run(SPEC, a_store(tmp_path / "b"), Observer()) == with_study


def test_a_trial_in_progress_is_running_and_an_interrupted_sweep_resumes(tmp_path, postgres):
    store = a_store(tmp_path / "store")
    tracker = Tracker(Sweep(SPEC, store, DATA))
    first = run(SPEC, store, tracker, stop=5)
    at_work = Setting(5, {"beta": 1.5, "latents": 2})
    tracker.trial_began(Block(at_work, 0, (), ()))
    assert tracker.close()
    *ended, last = content(study(SPEC, store, postgres.url))
    assert ended == expected(first)
    assert last == (5, at_work.parameters, None, TrialState.RUNNING)

    tracker = Tracker(Sweep(SPEC, store, DATA))  # setting 5 is another one now: the store had none
    rest = run(SPEC, store, tracker)
    assert tracker.close()
    assert content(study(SPEC, store, postgres.url)) == expected(first + rest)
    assert len(rest) == 9


def test_a_study_that_disagrees_is_created_again(tmp_path, postgres):
    store = a_store(tmp_path / "store")
    tracker = Tracker(Sweep(SPEC, store, DATA))
    settings = run(SPEC, store, tracker)
    tracker.close()
    found = study(SPEC, store, postgres.url)
    foreign = create_trial(
        params={"beta": 1.0, "latents": 2},
        distributions={name: distribution(p) for name, p in SPEC.parameters.items()},
        value=99.0,
        user_attrs={"setting": 14},
    )
    found.add_trial(foreign)
    assert found.best_value == 99
    writer = OptunaWriter(SPEC, store, postgres.url, {})
    for setting in settings:
        value = score(setting)
        state = "fail" if value is None else "complete"
        writer.write_setting(setting.number, StudyEntry(setting.parameters, state, value))
    writer.write_sweep()
    assert content(study(SPEC, store, postgres.url)) == expected(settings)
    writer.write_setting(
        0, StudyEntry(settings[0].parameters, "complete", 0.125)
    )  # as when seeds were added
    assert study(SPEC, store, postgres.url).get_trials()[0].value == 0.125
    assert len(content(study(SPEC, store, postgres.url))) == 14


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/optuna.db"
    monkeypatch.setenv("OPTUNA_STORAGE", url)
    return url


def states(spec: SweepSpec, store: Store, url: str) -> dict[int, str]:
    trials = study(spec, store, url).get_trials()
    return {trial.user_attrs["setting"]: trial.state.name for trial in trials}


def test_a_setting_that_early_stop_ends_is_pruned_until_it_is_resumed(tmp_path, local):
    keys = {"parameters": {"latents": 2, "beta": [1, 4, 16]}, "seeds": 1, "metric": "mig"}
    halved, whole = a_spec(**keys, early_stop={"halving": {"at": 0.5}}), a_spec(**keys)
    store = a_store(tmp_path / "store")
    tracker = Tracker(sweep := Sweep(halved, store, DATA))
    early = EarlyScores.of(sweep)
    assert early is not None
    queue = TrialQueue.resume(sweep, [tracker])
    while isinstance(block := queue.next(), Block):
        tracker.trial_began(block)
        for one in block.runs:
            if block.share < 1:
                early.write(one.id, 5, score(block.setting))
            else:
                write_made_up(store, halved, DATA, one, score(block.setting), metric="mig")
        queue.ended(block)
    tracker.sweep_ended(sweep.snapshot().answer, None)
    assert tracker.close()
    assert states(halved, store, local) == {0: "COMPLETE", 1: "COMPLETE", 2: "PRUNED"}

    tracker = Tracker(sweep := Sweep(whole, store, DATA))
    queue = TrialQueue.resume(sweep, [tracker])
    queue.replay()
    block = queue.next()
    tracker.trial_began(block)
    assert block.setting.number == 2 and tracker.close()
    assert states(whole, store, local) == {0: "COMPLETE", 1: "COMPLETE", 2: "RUNNING"}

    tracker = Tracker(sweep)
    TrialQueue.resume(sweep, [tracker]).replay()
    give_up(store, whole.name, block.runs[0].id)
    queue = TrialQueue.resume(sweep, [tracker])
    while isinstance(block := queue.next(), Block):
        tracker.trial_began(block)
        assert queue.ended(block)
    assert tracker.close()
    assert states(whole, store, local) == {0: "COMPLETE", 1: "COMPLETE", 2: "FAIL"}


def test_the_settings_of_a_race_run_until_it_is_over_and_show_their_scores_so_far(tmp_path, local):
    space = {"latents": 2, "beta": [1, 4, 16]}
    race = a_spec(parameters=space, seeds={"min": 1, "max": 3}, budget={"runs": 6}, lookahead=1)
    store = a_store(tmp_path / "store")
    tracker = Tracker(sweep := Sweep(race, store, DATA))
    run(race, store, tracker)
    tracker._optuna.put(lambda writer: None)
    while tracker._optuna.unwritten:
        pass
    assert set(states(race, store, local).values()) == {"RUNNING"}
    tracker.sweep_ended(sweep.snapshot().answer, None)
    assert tracker.close()
    trials = study(race, store, local).get_trials()
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert sum(len(trial.intermediate_values) for trial in trials) == 6
    assert all(t.value == t.intermediate_values[t.last_step] for t in trials)


def test_two_stores_have_two_studies_and_one_store_has_one(tmp_path, postgres):
    for folder, settings in (("a", 4), ("b", 6), ("a", 3)):
        tracker = Tracker(Sweep(SPEC, a_store(tmp_path / folder), DATA))
        run(SPEC, a_store(tmp_path / folder), tracker, stop=settings)
        assert tracker.close()
    names = sorted(optuna.get_all_study_names(postgres.url))
    stores = [Store(tmp_path / "a"), Store(tmp_path / "b")]
    assert names == sorted(study_name(SPEC, store) for store in stores)
    counts = [len(study(SPEC, store, postgres.url).get_trials()) for store in stores]
    assert counts == [7, 6]


def test_a_database_that_comes_and_goes_changes_nothing(tmp_path, postgres, monkeypatch):
    with proxied((postgres.host, postgres.port)) as proxy:
        monkeypatch.setenv("OPTUNA_STORAGE", postgres.through(proxy.host, proxy.port).url)
        store = a_store(tmp_path / "store")
        proxy.inject(Refuse(), times=6, after=40)
        tracker = Tracker(Sweep(SPEC, store, DATA))
        settings = run(SPEC, store, tracker)
        assert tracker.close(), tracker.lacking()
        assert proxy.injected == 6
    assert content(study(SPEC, store, postgres.url)) == expected(settings)


@pytest.mark.parametrize("fault", [Refuse(), Hang()])
def test_a_dead_database_stops_nothing_and_is_named_without_its_password(
    tmp_path, postgres, monkeypatch, fault
):
    monkeypatch.setattr("sweeps.tracking.background.PATIENCE", 0.3)
    said: list[str] = []
    with proxied((postgres.host, postgres.port)) as proxy, proxy.broken(fault):
        monkeypatch.setenv("OPTUNA_STORAGE", postgres.through(proxy.host, proxy.port).url)
        store = a_store(tmp_path / "store")
        tracker = Tracker(Sweep(SPEC, store, DATA), say=said.append)
        assert len(run(SPEC, store, tracker)) == 14
        assert not tracker.close(seconds=1)
        (line,) = tracker.lacking()
    assert line.startswith("Optuna lacks 28 of 28 entries (")
    assert f"sweep sync {SPEC.name}" in line
    assert PASSWORD not in line + str(said)
    if isinstance(fault, Refuse):
        assert said[0].startswith("Optuna cannot be written (") and len(said) == 1


def test_the_database_of_another_program_is_not_touched(tmp_path, postgres):
    postgres.query("CREATE TABLE alembic_version (version_num varchar(32))")
    copy = Background("Optuna", lambda: OptunaWriter(SPEC, a_store(tmp_path), postgres.url, {}))
    copy.put(lambda writer: None)
    assert not copy.close(seconds=1)
    assert copy.problem is not None and "give Optuna one of its own" in copy.problem
    assert postgres.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]


def test_the_password_is_nowhere_in_the_store(tmp_path):
    store = a_store(tmp_path / "store")
    tracker = Tracker(Sweep(SPEC, store, DATA))
    run(SPEC, store, tracker, stop=2)
    assert tracker.close()
    files = [file for file in store.root.rglob("*") if file.is_file()]
    assert any(file.name == "study.json" for file in files)
    for file in files:
        assert PASSWORD.encode() not in file.read_bytes(), file
