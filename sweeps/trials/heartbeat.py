"""Signs of life of the trials: finds one whose process no longer runs, on whatever machine.

A thread of the worker gives them, whatever the trial is doing: training, scoring and preparing data
may take as long as they like. Only a process that is stopped, or whose work has been waiting in the
kernel for one thing all the time, such as a disk that is lost, gives none.
"""

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray.experimental import internal_kv

from sweeps.storage.process_name import process_name

SIGNS = 20  # of life, in the time without any after which a trial counts as hung


class Sign(NamedTuple):
    """A sign of life. process: who gave it, as in `process_name`. number: a new one each time."""

    process: str
    number: int


class Heart:
    """Gives signs of life of the trial that this process runs, until the process ends."""

    def __init__(self) -> None:
        self._config: Mapping[str, Any] | None = None
        self._work, self._number = Path(), 0

    def beat_for(self, config: Mapping[str, Any]) -> None:
        """From now on for this trial, whose work is done by this thread. Nothing without Ray."""
        if not ray.is_initialized():
            return
        self._work = Path(f"/proc/self/task/{threading.get_native_id()}/status")
        begun, self._config = self._config is not None, config
        self._give(config)
        if not begun:
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def _beat(self) -> None:
        seen = ""
        while (config := self._config) is not None:
            before, seen = seen, state_of(self._work)
            if not is_stuck(before, seen):
                self._give(config)
            time.sleep(config["job"]["silence"] / SIGNS)

    def _give(self, config: Mapping[str, Any]) -> None:
        self._number += 1
        with contextlib.suppress(Exception):  # Ray is lost: then this process ends, too
            content = json.dumps(Sign(process_name(), self._number)).encode()
            internal_kv._internal_kv_put(_key(config), content)


heart = Heart()


class Listener:
    """Counts how long each trial has given no sign of life; for the process that runs Ray Tune."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Sign | None, float]] = {}  # by trial: sign, silence since
        self._looked = time.monotonic()

    def hung(self, trials: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """The running trials that are hung, and the process of each.

        trials: the configurations of all running ones, by id. Looks only when it is time to.
        """
        if not trials:
            return {}
        most = min(config["job"]["silence"] for config in trials.values())
        now = time.monotonic()
        passed, pause = now - self._looked, most / SIGNS
        if passed < pause:
            return {}
        self._looked = now
        try:
            signs = {trial: _sign(config) for trial, config in trials.items()}
        except Exception:  # Ray raises many kinds when it is being restarted: no reason to count
            return {}
        # at most twice the pause: this process may itself have been stopped, with everything else
        return self._count(signs, min(passed, 2 * pause), most)

    def _count(
        self, signs: Mapping[str, Sign | None], seconds: float, most: float
    ) -> dict[str, str]:
        known, self._last = self._last, {}
        for trial, sign in signs.items():
            before, silence = known.get(trial, (None, -seconds))
            self._last[trial] = sign, silence + seconds if sign == before else 0.0
        return {
            trial: sign.process if sign else "its process"
            for trial, (sign, silence) in self._last.items()
            if silence > most
        }


def state_of(thread: Path) -> str:
    """The state of a thread and how often it has waited (`man proc_pid_status`); empty elsewhere.

    thread: /proc/PID/task/TID/status.
    """
    try:
        lines = thread.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines if line.startswith("State:") or "ctxt" in line)


def is_stuck(before: str, now: str) -> bool:
    """Whether a thread has been waiting in the kernel, and cannot be interrupted, since `before`.

    before, now: from `state_of`.
    """
    return now == before and "State:\tD" in now


def _sign(config: Mapping[str, Any]) -> Sign | None:
    content = internal_kv._internal_kv_get(_key(config))
    return None if content is None else Sign(*json.loads(content))


def _key(config: Mapping[str, Any]) -> str:
    return f"alive-{config['trial']}"
