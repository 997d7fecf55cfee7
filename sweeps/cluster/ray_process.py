"""Runs trials on Ray in a process of its own, and restarts it when Ray is lost.

Whatever Ray does, crash, freeze or hang at exit, the sweep's process never waits for it blindly: it
checks the processes themselves, and when they were last heard from.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sweeps.cluster import processes
from sweeps.cluster.scratch import scratch
from sweeps.import_guard import HOME, search_path
from sweeps.sweep import Sweep
from sweeps.sweepfile import Resources
from sweeps.trials import signals
from sweeps.trials.dispatch import Dispatch
from sweeps.trials.early_scores import EarlyScores
from sweeps.trials.retries import Retries
from sweeps.trials.stopping import StopRequest
from sweeps.trials.trial_queue import Observer, TrialQueue
from sweeps.trials.work_order import job_of
from trainer.device.cores import cores
from trainer.errors import UserError

LOOK = 1.0  # seconds between checks of Ray's processes
STOPPED_LOOKS = 3  # a process found stopped (`kill -STOP`) this many times in a row is killed
SILENCE = 60.0  # seconds without news after which a Ray on this machine is considered hung
CLUSTER_SILENCE = 300.0  # the same for a cluster, whose head may be restarted meanwhile
START = 300.0  # seconds that Ray may take to start
END = 10.0  # seconds that Ray may take to leave a cluster
BUSY = 3.0  # processes waiting per core, from which Ray's own limit of 30 s may be too short
LOSSES = 3  # times in a row that Ray may be lost without progress in between

_CODE = """
import sys
sys.path[:] = {path!r}
from sweeps.cluster.ray_host import main
main({pipe}, {parent})
"""


class RayLost(Exception):
    """Ray's process has ended or hangs; the text says what was seen."""


@contextlib.contextmanager
def ray_process(
    address: str | None, resources: Resources, say: Callable[[str], object]
) -> Iterator["RayProcess"]:
    """Ray for the duration of a sweep.

    address: a running cluster ("auto", "host:6379", "ray://…"); None starts Ray on this machine.
    say: called with a line of text when Ray was lost and is restarted.
    Raises UserError when the cluster cannot be reached, or this machine is too small for a trial.
    """
    with scratch() as folder:
        ray = RayProcess(address, resources, folder, say)
        try:
            ray.start()
            yield ray
        finally:
            ray.end()


class RayProcess:
    """Ray's process as seen from the sweep's process; see `ray_process`."""

    def __init__(
        self,
        address: str | None,
        resources: Resources,
        folder: Path,
        say: Callable[[str], object],
    ):
        self._address, self._resources, self._folder, self._say = address, resources, folder, say
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._core_pids: dict[str, int] = {}
        self._stopped: Counter[int] = Counter()
        self._seen: dict[int, str] = {}  # when each process of Ray began
        self._looked = 0.0

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts Ray, retrying after transient failures. Raises UserError."""
        for left in reversed(range(LOSSES)):
            try:
                self._start()
                return
            except RayLost as lost:
                self._kill()
                if not left:
                    raise UserError(
                        f"Ray cannot be started: {lost}; see the sweep's log{load_note()}"
                    ) from None

    def run(
        self,
        sweep: Sweep,
        queue: TrialQueue,
        observer: Observer,
        stop: StopRequest,
        start: bytes | None = None,
        home: str | None = HOME,
    ) -> None:
        """Runs all of `queue`. Raises the first error of the sweep's own code.

        A trial that raises or dies does not stop the others. start, home: see `trainable`; start is
        pickled. Raises UserError when Ray is lost repeatedly.
        """
        spec, store = sweep.spec, sweep.store
        early = EarlyScores.of(sweep)
        job = job_of(spec, store, sweep.metrics.evaluation, sweep.data, early)
        dispatch = Dispatch(queue, observer, store, job, Retries(spec.max_failures), stop)
        order = (spec.name, spec.resources, start, home if self._address is None else None)
        losses = 0
        while True:
            try:
                self._serve(dispatch, order)
                break
            except RayLost as lost:
                self._kill()
                dispatch.lost()
                if stop.requested:
                    break
                losses = 1 if dispatch.moved else losses + 1
                dispatch.moved = False
                if losses == LOSSES:
                    raise UserError(
                        f"Ray was lost {losses} times in a row ({lost}); progress is kept: "
                        "run it again to resume"
                    ) from None
                self._say(f"Ray was lost ({lost}); restarting it")
                self.start()
        if dispatch.error is not None:
            raise dispatch.error

    def end(self) -> None:
        """Ends Ray within seconds. Trials still running have nothing left to save."""
        if self._process is not None and self._address is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                assert self._connection is not None
                self._connection.send(None)  # leaves the cluster properly
                self._process.wait(END)
        self._kill()

    def _start(self) -> None:
        self._starts += 1
        folder = self._folder / str(self._starts)
        folder.mkdir()
        ours, theirs = Pipe()
        code = _CODE.format(path=search_path(), pipe=theirs.fileno(), parent=os.getpid())
        self._connection, self._core_pids = ours, {}
        self._stopped.clear()
        self._seen.clear()
        try:
            with theirs, signals.kept_from_children():
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", code],
                    stdin=subprocess.DEVNULL,
                    stdout=_log(),
                    stderr=_log(),
                    pass_fds=[theirs.fileno()],
                )
        except OSError as problem:  # no process or memory to be had
            raise RayLost(f"its process cannot be started: {problem}") from None
        with contextlib.suppress(OSError):  # it has ended, which is detected next
            ours.send((self._address, self._resources, folder))
        kind, *news = self._receive(START)
        if kind == "refused":
            raise UserError(news[0])
        if kind != "ready":
            raise RayLost(news[0])
        self._core_pids = news[0]

    def _serve(self, dispatch: Dispatch, order: tuple[Any, ...]) -> None:
        """Answers Ray's process until it has no more to ask."""
        assert self._connection is not None
        asked = time.monotonic()
        try:
            self._connection.send(order)
            while True:
                kind, *news = self._receive(SILENCE)
                if kind == "over":
                    return
                if kind == "failed":
                    raise RayLost(news[0])
                if kind == "call":
                    name, arguments = news
                    if name == "ended":
                        self._look()  # a trial that ended with Ray has not failed
                    self._connection.send(getattr(dispatch, name)(*arguments))
                    asked = time.monotonic()
                elif self._core_pids and not news[0]:
                    raise RayLost("its node is marked dead")
                elif self._core_pids and time.monotonic() - asked > SILENCE:
                    raise RayLost(f"it has asked for nothing for {SILENCE:.0f} s")
        except OSError:
            raise RayLost("its driver has ended") from None

    def _receive(self, silence: float) -> tuple[Any, ...]:
        """The next news. Raises RayLost when none comes in time, or Ray has died."""
        assert self._connection is not None
        if self._address is not None:
            silence = max(silence, CLUSTER_SILENCE)
        since = time.monotonic()  # time spent here since the last news does not count as silence
        while True:
            try:
                news = tuple(self._connection.recv()) if self._connection.poll(LOOK / 2) else ()
            except (EOFError, OSError):
                raise RayLost("its driver has ended") from None
            now = time.monotonic()
            # while Ray is busy there is always news; its last words are heard though it has ended
            if now - self._looked >= LOOK and (not news or news[0] in ("call", "pulse")):
                self._looked = now
                self._look()
            if news:
                return news
            if now - since > silence:
                raise RayLost(f"no news of it for {silence:.0f} s")

    def _look(self) -> None:
        """Raises RayLost when one of Ray's essential processes is gone; kills stopped ones."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RayLost("its driver has ended")
        for kind, pid in self._core_pids.items():
            if processes.is_over(pid):
                raise RayLost(f"its {kind} has ended")
        here = [self._process.pid, *processes.below(self._process.pid)]
        self._seen = {pid: processes.began(pid) for pid in here}
        stopped = [pid for pid in here if processes.state(pid) == "T"]
        self._stopped = Counter({pid: self._stopped[pid] + 1 for pid in stopped})
        processes.kill(pid for pid, looks in self._stopped.items() if looks >= STOPPED_LOOKS)

    def _kill(self) -> None:
        """Kills Ray's process and all its descendants."""
        if self._process is None:
            return
        orphans = [pid for pid, began in self._seen.items() if processes.began(pid) == began]
        everyone = {*orphans, *processes.below(self._process.pid)}
        self._process.kill()
        processes.kill(everyone)
        self._process.wait()
        self._process = None
        if self._connection is not None:
            self._connection.close()


def _log() -> int:
    """Where Ray's output goes: this process's stderr, which is the log."""
    try:
        return sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return subprocess.DEVNULL


def load_note() -> str:
    """The end of a message about a slow start: how busy this machine is, if it is."""
    load = os.getloadavg()[0]
    if load < BUSY * cores():
        return ""
    return f"; this machine is very busy (load {load:.0f} on {cores()} cores): try again later"
