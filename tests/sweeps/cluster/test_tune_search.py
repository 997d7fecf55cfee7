"""Trials on a real Ray: one that raises, one whose worker dies, and one that is stopped."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from ray import cloudpickle, tune
from ray.air._internal import usage
from ray.tune.execution import class_cache

from sweeps.cluster import processes
from sweeps.cluster import ray_process as ray_process_module
from sweeps.cluster.lean import leave_out_helpers
from sweeps.cluster.ray_process import RayProcess, ray_process
from sweeps.run_store import Store, error_key
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import Resources
from sweeps.trials.stopping import StopRequest
from sweeps.trials.trial import Trial
from sweeps.trials.trial_queue import Observer, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up
from trainer.errors import UserError

KEY = "key-that-no-log-of-ray-may-hold"
TWO = {"latents": {"value": 2}, "beta": {"values": [1, 4]}}


@pytest.fixture(scope="module")
def said():
    """Lines that were said of Ray."""
    return []


@pytest.fixture(scope="module")
def ray(said):
    """Ray on this machine, for all tests of this file; its driver has a key of S3."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_SECRET_ACCESS_KEY", KEY)
        environment.setenv("RAY_worker_niceness", "0")
        with ray_process(None, Resources(), said.append) as ray:
            yield ray


class Ended(Observer):
    """Writes the results of trials that report progress, and does something at some settings."""

    def __init__(self, sweep: Sweep, harms: Mapping[int, Callable[[], object]] = {}):
        self.sweep, self.harms = sweep, dict(harms)
        self.complete: dict[int, bool] = {}

    def trial_reported(self, block, step, steps):
        for run in block.runs:
            write_made_up(self.sweep.store, self.sweep.spec, self.sweep.data, run, 0.5)
        self.harms.pop(block.setting.number, lambda: None)()

    def trial_ended(self, block, complete):
        self.complete[block.setting.number] = complete


def made_up_trial(notes: Path):
    """The real Trial, but for its work: setting 1 raises, setting 2 kills its worker once."""

    class MadeUp(Trial):
        def _train(self):
            setting = self.config["setting"]
            with open(notes / f"{setting}", "a") as note:
                note.write(f"{os.getpid()}\n")
            attempt = len((notes / f"{setting}").read_text().split())
            if setting == 1:
                raise RuntimeError(f"no luck at attempt {attempt}")
            if setting == 2 and attempt == 1:
                os.kill(os.getpid(), 9)
            self._left = []
            return {"step": 10, "steps": 10}

        def _score(self):
            return {"done": True}

    return cloudpickle.dumps(lambda config: MadeUp(config).step)


def test_trials_that_raise_or_die_do_not_stop_the_others(ray, tmp_path):
    spec, store = a_spec(), Store(tmp_path / "store")
    store.prepare()
    queue = TrialQueue(sweep := Sweep(spec, store, a_dataset()), Searcher(spec))
    ended = Ended(sweep)
    ray.run(sweep, queue, ended, StopRequest(), made_up_trial(tmp_path))
    assert ended.complete == {0: True, 1: False, 2: True, 3: True, 4: True, 5: True}
    kept = store.path(error_key(spec.name, 1, 0)).read_text()
    assert kept.startswith("Traceback") and kept.rstrip().endswith("no luck at attempt 1")
    tries = {number: (tmp_path / str(number)).read_text().split() for number in range(6)}
    assert {number: len(pids) for number, pids in tries.items()} == {
        0: 1,
        1: 2,  # what raises again at the same step is given up
        2: 2,
        3: 1,
        4: 1,
        5: 1,
    }
    assert len({pid for pids in tries.values() for pid in pids}) < 8  # processes are used again
    helpers = [name for name in ("dashboard.py", "monitor.py") for _ in those_of(ray, name)]
    assert not helpers and those_of(ray, "/raylet/raylet")
    logs = [path for path in ray._folder.rglob("*") if path.is_file()]
    assert any(path.name == "gcs_server.out" for path in logs)
    assert not [path for path in logs if KEY.encode() in path.read_bytes()]


def test_a_frozen_worker_is_killed_and_its_runs_are_tried_again(ray, tmp_path, monkeypatch):
    monkeypatch.setattr("sweeps.trials.work_order.SILENCE", 3.0)
    # as on another machine, whose processes nobody here can see
    monkeypatch.setattr(ray_process_module, "STOPPED_LOOKS", 10**9)
    spec, store, pids = a_spec(parameters=TWO), Store(tmp_path / "store"), tmp_path / "pids"
    store.prepare()

    class Freezes(Trial):
        def _train(self):
            if self.config["setting"] == 1 and not pids.exists():
                pids.write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGSTOP)
            self._left = []
            return {"step": 10, "steps": 10}

        def _score(self):
            return {"done": True}

    class Hears(Ended):
        def trial_hung(self, block, process, seconds):
            hung.append((block.setting.number, process.split()[1]))

    hung: list[tuple[int, str]] = []
    queue = TrialQueue(sweep := Sweep(spec, store, a_dataset()), Searcher(spec))
    start = cloudpickle.dumps(lambda config: Freezes(config).step)
    ray.run(sweep, queue, ended := Hears(sweep), StopRequest(), start)
    assert ended.complete == {0: True, 1: True}
    assert (1, pids.read_text()) in hung


def test_a_worker_that_dies_while_importing_is_reported(ray, tmp_path):
    spec = a_spec(max_failures=0, parameters={"latents": {"value": 2}, "beta": {"value": 1}})
    store = Store(tmp_path / "store")
    store.prepare()
    queue = TrialQueue(sweep := Sweep(spec, store, a_dataset()), Searcher(spec))
    ray.run(sweep, queue, Observer(), StopRequest(), home=str(tmp_path / "nowhere"))
    kept = store.read_text(error_key(spec.name, 0, 0))
    assert "in _start" in kept
    assert "No such file or directory" in kept.strip().splitlines()[-1]


def test_an_error_of_the_driver_itself_ends_the_sweep_and_is_raised(ray, tmp_path):
    spec, store = a_spec(), Store(tmp_path / "store")
    store.prepare()
    queue = TrialQueue(sweep := Sweep(spec, store, a_dataset()), Searcher(spec))
    (tmp_path / "store/sweeps").rmdir()
    (tmp_path / "store/sweeps").write_text("in the way")  # no setting can be recorded
    with pytest.raises(UserError, match="cannot be written"):
        ray.run(sweep, queue, Observer(), StopRequest(), made_up_trial(tmp_path))


def test_ray_counts_no_callbacks_for_which_it_would_import_mlflow(monkeypatch):
    monkeypatch.setattr(usage, "tag_callbacks", usage.tag_callbacks)  # put back later
    monkeypatch.setattr(class_cache, "ENV_VARS_TO_PROPAGATE", {"AWS_SESSION_TOKEN", "OTHER"})
    monkeypatch.setitem(sys.modules, "ray.air.integrations.mlflow", None)
    leave_out_helpers(alone=False)
    usage.tag_callbacks([tune.Callback()])
    assert {"OTHER"} == class_cache.ENV_VARS_TO_PROPAGATE


def test_a_cluster_that_cannot_be_reached_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with (
            pytest.raises(UserError, match=f"no Ray cluster can be reached at '{address}'"),
            ray_process(address, Resources(), print),
        ):
            pass


def two_steps():
    """A trial of Python alone, which begins at once; it ends a moment after its first report."""

    def start(config):
        first = [True]

        def step():
            if first:
                return {"step": first.pop(), "steps": 10}
            time.sleep(0.3)
            return {"done": True}

        return step

    return cloudpickle.dumps(start)


def those_of(ray: RayProcess, name: str) -> list[int]:
    """The processes of Ray whose command line has that name."""
    return [pid for pid in processes.that_name(name) if pid in processes.below(ray.pid)]


# all of Ray's processes, on a whole sweep: `python -m tests.surroundings --only kill`
def test_ray_whose_raylet_is_killed_is_started_again(ray, said, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_process_module, "LOOK", 0.2)
    spec, store = a_spec(max_failures=0, parameters=TWO), Store(tmp_path / "store")
    store.prepare()
    queue = TrialQueue(sweep := Sweep(spec, store, a_dataset()), Searcher(spec))
    kill = lambda: os.kill(those_of(ray, "/raylet/raylet")[0], signal.SIGKILL)  # noqa: E731
    ended = Ended(sweep, {1: kill})
    ray.run(sweep, queue, ended, StopRequest(), two_steps())
    assert ended.complete == {0: True, 1: True}
    assert said == ["Ray was lost (its raylet has ended); restarting it"]


# the last one, for it leaves its trials to the end of Ray
def test_a_stop_waits_until_those_in_training_have_saved_and_for_no_other(ray, tmp_path):
    spec = a_spec(resources={"cpu": 0.5}, parameters=TWO)
    store, stop = Store(tmp_path / "store"), StopRequest()
    store.prepare()

    class Training:
        def save(self):
            time.sleep(1)
            (tmp_path / "saved").touch()

    class Endless(Trial):
        """Of two settings, one trains for ever and the other is being scored for ever."""

        def _train(self):
            self._training = Training()
            time.sleep(0.05)
            self._left = [] if self.config["setting"] == 1 else self._left
            return {"step": 1 if self._left else 10, "steps": 10}

        def _score(self):
            time.sleep(1000)

    class StopsIt(Observer):
        def __init__(self):
            self.seen, self.ended = set(), []

        def trial_ended(self, block, complete):
            self.ended.append(block)

        def trial_reported(self, block, step, steps):
            self.seen.add(step)
            stop.requested = {1, 10} <= self.seen

    queue = TrialQueue(sweep := Sweep(spec, store, a_dataset()), Searcher(spec))
    endless = cloudpickle.dumps(lambda config: Endless(config).step)
    ray.run(sweep, queue, observer := StopsIt(), stop, endless)
    assert (tmp_path / "saved").exists()
    assert observer.ended == []  # nothing is said to have broken off
