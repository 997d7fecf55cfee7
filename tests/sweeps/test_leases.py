"""Two sweeps that share runs in one store: a run is one's at a time, and written once."""

import errno
import fcntl
import io
import multiprocessing
import os
import signal

import pytest

from sweeps.console.printing import plain_console
from sweeps.console.progress import Progress
from sweeps.plan import Setting
from sweeps.run_store import Store, error_key
from sweeps.sweep import Sweep
from sweeps.trials.dispatch import Dispatch
from sweeps.trials.retries import Retries
from sweeps.trials.stopping import StopRequest
from sweeps.trials.trial import HELD, Trial
from sweeps.trials.trial_queue import Block
from sweeps.trials.work_order import PATIENCE, config_of, job_of
from tests.sweeps.made_up import a_spec
from trainer.errors import UserError
from trainer.files import stamp

SPEC = a_spec(
    parameters={"latents": {"value": 2}, "beta": {"values": [1]}},
    trainer={"architecture": "mlp", "steps": 3, "batch_size": 8},
    evaluation={"mig": {}},
    metric={"name": "mig"},
)
RECORDS = ("training.json", "result.json", "model.safetensors")


@pytest.fixture(params=["folder", "S3"])
def store(request, tmp_path, monkeypatch) -> Store:
    if request.param == "folder":
        return Store(tmp_path / "store")
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    return Store(request.getfixturevalue("s3").url)


def test_a_run_is_leased_to_one_at_a_time(store):
    with store.lease_runs(["b", "a"]) as holders:
        assert not holders
        with store.lease_runs(["a", "c"]) as others:
            assert others == {"a": f"process {os.getpid()} on {os.uname().nodename}"}
        with store.lease_runs(["a", "c"]) as others:
            assert others.keys() == {"a"}  # c was let go
    with store.lease_runs(["a", "b", "c"]) as holders:
        assert not holders
    assert store.names("leases") == []


def test_a_lease_ends_with_its_process(tmp_path):
    store = Store(tmp_path)
    taken = multiprocessing.get_context("fork").Event()
    process = multiprocessing.get_context("fork").Process(target=_hold, args=(store, taken))
    process.start()
    assert taken.wait(30)
    with store.lease_runs(["a"]) as holders:
        assert holders["a"].startswith(f"process {process.pid} ")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with store.lease_runs(["a"]) as holders:
        assert not holders


def _hold(store, taken):
    with store.lease_runs(["a"]):
        taken.set()
        signal.pause()


@pytest.fixture
def block(tmp_path):
    """A trial of two runs, and what a worker is told of it, in a store in a folder."""
    sweep = Sweep.load(SPEC, Store(tmp_path / "store"))
    runs = sweep.runs({"latents": 2, "beta": 1})
    ids = tuple(run.id for run in runs)
    block = Block(Setting(0, {"latents": 2, "beta": 1}), 0, runs, ids)
    return sweep.store, block, job_of(SPEC, sweep.store, sweep.metrics.evaluation)


def to_the_end(trial) -> None:
    while not trial.step().get("done"):
        pass


def test_a_trial_waits_for_runs_of_another_and_rewrites_no_finished_run(block, monkeypatch):
    monkeypatch.setattr("sweeps.trials.trial.STEP_SECONDS", 0.01)
    store, block, job = block
    first, second = (run.id for run in block.runs)
    trial = Trial(config_of(block, job))
    with store.lease_runs([first]):
        reports = [trial.step()]
        while HELD not in reports[-1]:
            reports.append(trial.step())
        assert len(reports) > 1  # the other was trained meanwhile
        assert store.is_trained(second) and not store.run_folder(first).exists()
        to_the_end(Trial(config_of(Block(block.setting, 0, block.runs[1:], (second,)), job)))
    before = {name: stamp(store.run_folder(second) / name) for name in RECORDS}
    to_the_end(trial)
    assert store.result(first) is not None
    assert {name: stamp(store.run_folder(second) / name) for name in RECORDS} == before
    assert store.names("leases") == []


def test_a_trial_refuses_files_that_changed_since_the_sweep_began(block):
    store, block, job = block
    trial = Trial(config_of(block, job | {"fingerprints": ["other", "labels"]}))
    with pytest.raises(UserError, match="not those that the sweep began with"):
        trial.step()
    assert not store.run_folder(block.runs[0].id).exists()


def test_a_trial_that_fails_or_stops_releases_its_runs(block, monkeypatch):
    store, block, job = block
    ids = [run.id for run in block.runs]
    trial = Trial(config_of(block, job))
    monkeypatch.setattr("sweeps.trials.trial.STEP_SECONDS", 0.0)
    trial.step()
    with store.lease_runs(ids) as holders:
        assert holders.keys() == set(ids)
    monkeypatch.setattr("sweeps.trials.trial.is_asked_to_stop", lambda: True)
    trial.step()
    with store.lease_runs(ids) as holders:
        assert not holders


def test_others_go_before_a_trial_that_waits(block):
    class Queue:
        def __init__(self, blocks):
            self.blocks = list(blocks)

        def next(self):
            return self.blocks.pop(0) if self.blocks else None

    store, block, job = block
    other, out = Block(block.setting, 1, block.runs, block.scored), io.StringIO()
    progress = Progress(plain_console(out, soft_wrap=True), total=2, goal="maximize")
    dispatch = Dispatch(Queue([block, other]), progress, store, job, Retries(0), StopRequest())
    assert dispatch.suggest("one")["block"] == 0
    for _ in range(2):
        dispatch.waits("one", "process 1 on here")
    assert out.getvalue() == "setting 0 waits: process 1 on here has some of its runs\n"
    dispatch.ended("one", stopped=False, failed=False, holder="process 1 on here")
    given = [dispatch.suggest(name) for name in ("two", "three")]
    assert [config["block"] for config in given] == [1, 0]
    assert [config["patience"] for config in given] == [0, PATIENCE]
    assert dispatch.suggest("four") == "wait"


def test_runs_of_a_process_that_outlives_its_killing_are_given_up(block, monkeypatch):
    class Queue:
        def ended(self, block):
            return False

    store, block, job = block
    out = io.StringIO()
    progress = Progress(plain_console(out, soft_wrap=True), total=2, goal="maximize")
    dispatch = Dispatch(Queue(), progress, store, job, Retries(1), StopRequest())
    dispatch._again.append(block)
    dispatch.suggest("one")
    dispatch.hung("one", "process 1 on here")
    dispatch.ended("one", stopped=False, failed=True)
    assert "process 1 on here gave no sign of life for 10 min " in out.getvalue()
    assert dispatch.suggest("two")["block"] == 0  # it is tried again
    dispatch.ended("two", stopped=False, failed=False, holder="process 1 on here")
    assert list(dispatch._held) == [block]  # that process has a minute to end
    dispatch._again.append(dispatch._held.popleft())
    monkeypatch.setattr("sweeps.trials.dispatch.UNDEAD", 0.0)
    dispatch.suggest("three")
    dispatch.ended("three", stopped=False, failed=False, holder="process 1 on here")
    assert progress.broken == [block] and not dispatch._held
    kept = store.read_text(error_key(job["sweep"], *block.key))
    assert kept == "process 1 on here gave no sign of life for 600 s and was killed\n"


def test_a_group_may_share_a_store(tmp_path):
    before = os.umask(0o002)
    try:
        store = Store(tmp_path)
        with store.lock("a"), store.lease_runs(["b"]):
            for key in ("sweeps/a/lock", "leases/b"):
                assert (tmp_path / key).stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(before)


def test_a_disk_without_locks_is_one_line(tmp_path, monkeypatch):
    def refused(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))  # as by Lustre without -o flock

    monkeypatch.setattr(fcntl, "flock", refused)
    store, said = Store(tmp_path), "cannot be locked: No locks available"
    with pytest.raises(UserError, match=said), store.lock("a"):
        pass
    with pytest.raises(UserError, match=said), store.lease_runs(["a"]):
        pass
    assert store.holder("a") is None
