"""What is noticed of Ray's process and how: a program that only speaks its protocol stands in.

With Ray itself: test_tune_search.py, and `python -m tests.surroundings --only kill`.
"""

import os
import time

import pytest

from sweeps.cluster import ray_process
from sweeps.cluster.processes import below, is_over
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import Resources
from sweeps.trials.stopping import StopRequest
from sweeps.trials.trial_queue import Observer, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec
from trainer.errors import UserError

STAND_IN = """
import os, signal, subprocess, sys, time
from multiprocessing.connection import Connection
pipe = Connection({pipe})
pipe.recv()
raylet = subprocess.Popen(["sleep", "1000"])
"""
READY = 'pipe.send(("ready", {{"raylet": raylet.pid}}))\npipe.recv()\n'
KINDS = {
    "its driver has ended": READY + "sys.exit()",
    "its raylet has ended": READY + "raylet.kill(); time.sleep(1000)",
    "its node is marked dead": READY + 'pipe.send(("pulse", False)); time.sleep(1000)',
    "no news of it": READY + "time.sleep(1000)",
    "it has asked for nothing": READY + 'while True: pipe.send(("pulse", True)); time.sleep(0.1)',
}


def alive() -> set[int]:
    """The processes below this one, without those that nobody has waited for."""
    return {pid for pid in below(os.getpid()) if not is_over(pid)}


@pytest.fixture
def lost(monkeypatch, tmp_path):
    """Runs a sweep whose Ray is a stand-in that goes on like `code`; the error and what was said"""
    for name, value in {"LOOK": 0.05, "SILENCE": 0.3, "LOSSES": 2}.items():
        monkeypatch.setattr(ray_process, name, value)

    def run(code: str, address: str | None = None) -> tuple[str, list[str]]:
        monkeypatch.setattr(ray_process, "_CODE", STAND_IN + code)
        store, said = Store(tmp_path / "store"), list[str]()
        before = alive()  # what other tests have left
        sweep = Sweep(a_spec(), store, a_dataset())
        with (
            pytest.raises(UserError) as error,
            ray_process.ray_process(address, Resources(), said.append) as ray,
        ):
            queue = TrialQueue(sweep, Searcher(sweep.spec))
            ray.run(sweep, queue, Observer(), StopRequest())
        end = time.monotonic() + 10
        while alive() - before and time.monotonic() < end:
            time.sleep(0.05)
        assert not alive() - before  # frozen ones, too
        return str(error.value), said

    return run


@pytest.mark.parametrize("what", KINDS)
def test_a_ray_that_dies_or_is_silent_is_started_again(lost, what):
    error, said = lost(KINDS[what])
    assert error.startswith(f"Ray was lost 2 times in a row ({what}")
    assert [line.startswith(f"Ray was lost ({what}") for line in said] == [True]


def test_a_ray_that_asks_all_the_time_is_looked_at(lost, monkeypatch):
    monkeypatch.setattr(ray_process, "LOOK", 1.0)
    monkeypatch.setattr(ray_process, "LOSSES", 1)
    busy = "raylet.kill()\nend = time.monotonic() + 5\nwhile time.monotonic() < end:\n"
    error, _ = lost(READY + busy + '    pipe.send(("call", "turn", ()))\n    pipe.recv()')
    assert "its raylet has ended" in error


def test_a_frozen_ray_is_killed(lost):
    error, _ = lost(READY + "os.kill(os.getpid(), signal.SIGSTOP)")
    assert "its driver has ended" in error


def test_a_ray_that_does_not_start_is_given_up(lost, monkeypatch):
    monkeypatch.setattr(ray_process, "START", 0.3)
    error, said = lost("time.sleep(1000)")
    assert error.startswith("Ray cannot be started: no news of it") and said == []


def test_a_process_that_cannot_be_started_is_one_line(lost, monkeypatch, tmp_path):
    monkeypatch.setattr(ray_process.sys, "executable", str(tmp_path / "gone"))
    error, _ = lost(READY)
    assert error.startswith("Ray cannot be started: its process cannot be started: [Errno 2]")


def test_a_cluster_that_is_silent_is_given_more_time(lost, monkeypatch):
    monkeypatch.setattr(ray_process, "CLUSTER_SILENCE", 0.6)
    error, _ = lost(KINDS["no news of it"], "127.0.0.1:1")
    assert "(no news of it for 1 s)" in error  # not that of a Ray on this machine
