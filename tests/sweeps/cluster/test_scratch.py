"""Folders for Ray's files: gone at the end, and after a kill gone at the next start."""

import subprocess
import sys
from pathlib import Path

from sweeps.cluster.scratch import clear, scratch

HOLD = """
from sweeps.cluster.scratch import scratch
with scratch() as folder:
    print(folder, flush=True)
    input()
"""


def test_a_folder_is_gone_at_the_end():
    with scratch() as folder:
        (folder / "session").mkdir()
        clear()  # as another sweep does at its start
        assert (folder / "session").is_dir()
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_uses_is_not():
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    killed, living = (Path(holder.stdout.readline().strip()) for holder in holders)
    holders[0].kill()
    holders[0].wait()
    assert killed.is_dir() and living.is_dir()
    agent = subprocess.Popen([sys.executable, "-c", "input()", f"{killed}/r/session"], stdin=-1)
    clear()
    assert not killed.exists() and living.is_dir()
    assert agent.wait(timeout=60) == -9  # one of Ray's agents, which would live on for a minute
    holders[1].communicate("\n", timeout=60)
    assert not living.exists()


def test_a_folder_is_private_and_its_name_short():
    with scratch() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert len(str(folder.parent)) <= 26
