"""A trial that is hung is told from a slow one: the state of real processes, and counted silence.

A real trial that freezes: tests/sweeps/cluster/test_tune_search.py.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeps.trials import heartbeat
from sweeps.trials.heartbeat import Listener, Sign, is_stuck, state_of

# the parent waits in the kernel, where nothing but a kill reaches it, until its child has started:
# and that one waits for somebody who writes
HANGS = """
import os, sys
print("begins", flush=True)
opened = os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0
os.posix_spawn("/bin/true", ["true"], {}, file_actions=[opened])
"""
BUSY = "print('begins', flush=True)\nwhile True: sum(range(1000))"
ASLEEP = "import time; print('begins', flush=True); time.sleep(1000)"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("code", "stuck"), [(HANGS, True), (BUSY, False), (ASLEEP, False)])
def test_only_a_thread_that_hangs_in_the_kernel_is_stuck(code, stuck, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-c", code, str(tmp_path / "pipe")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        work = Path(f"/proc/{process.pid}/task/{process.pid}/status")
        end = time.monotonic() + 20
        while stuck and "State:\tD" not in state_of(work) and time.monotonic() < end:
            time.sleep(0.01)
        before = state_of(work)
        time.sleep(0.05)
        found = is_stuck(before, state_of(work))
        process.kill()
        if stuck:  # its child, too, may end
            os.close(os.open(tmp_path / "pipe", os.O_RDWR))
    assert found == stuck


def test_silence_is_counted_by_trial_and_ends_with_a_sign():
    listener = Listener()

    def hung(first: int, second: int) -> dict[str, str]:
        signs = {"first": Sign("process 1 on a", first), "second": Sign("process 2 on b", second)}
        return listener._count(signs, 30, 100)

    assert [hung(1, number) for number in range(1, 5)] == [{}] * 4  # 90 s
    assert hung(1, 5) == {"first": "process 1 on a"}
    assert hung(2, 6) == {}


def test_a_trial_that_never_gave_a_sign_is_hung_and_a_new_one_is_not():
    listener = Listener()
    for _ in range(5):
        found = listener._count({"old": None}, 30, 100)
    assert found == {"old": "its process"}
    assert listener._count({"old": None, "new": None}, 1000, 100) == {"old": "its process"}


def test_time_in_which_the_listener_itself_was_stopped_is_no_silence(monkeypatch):
    clock = iter([0.0, 5.0, 10_000.0, 10_005.0])
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(heartbeat, "_sign", lambda config: Sign("process 1 on a", 1))
    listener, trials = Listener(), {"one": {"job": {"silence": 100.0}}}
    assert [listener.hung(trials) for _ in range(3)] == [{}, {}, {}]
