"""Ray's own process: it runs the trials that the sweep's process hands out, over a pipe.

Ray's libraries end a process that has lost its cluster, and wait forever for a frozen one. In a
process of its own, that costs nothing: see `ray_process`.
"""

import contextlib
import os
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from sweeps.cluster import processes
from sweeps.cluster.connection import cluster
from sweeps.sweepfile import Resources
from trainer.errors import UserError

PULSE = 2.0  # seconds between checks that Ray answers


class Setup(NamedTuple):
    """The arguments for starting Ray; see `cluster`."""

    address: str | None
    resources: Resources
    folder: Path


class _Door:
    """The pipe to the sweep's process: calls are answered, news is not."""

    def __init__(self, connection: Connection):
        self._connection, self._lock = connection, threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _door_of_this_process, ()  # Ray Tune pickles its callbacks

    def call(self, name: str, *arguments: Any) -> Any:
        """Calls a method of `Dispatch` there and returns its result. From one thread only."""
        self.tell("call", name, arguments)
        return self._connection.recv()

    def tell(self, kind: str, *news: Any) -> None:
        """Sends news."""
        with self._lock:
            self._connection.send((kind, *news))


_doors: list[_Door] = []


def _door_of_this_process() -> _Door:
    return _doors[0]


def main(pipe: int, parent: int) -> None:
    """Serves until the pipe is closed. pipe: its file descriptor; parent: the other process."""
    os.set_inheritable(pipe, False)
    processes.end_with(parent)
    connection = Connection(pipe)
    door = _Door(connection)
    _doors.append(door)
    setup = Setup(*connection.recv())
    try:
        with cluster(setup.address, setup.resources, setup.folder) as ray:
            try:
                _serve(ray, connection, door, setup.folder / "tune")
            except Exception as error:
                _tell_why(door, error)  # before Ray is shut down, which may take long
                raise
    except (EOFError, BrokenPipeError):
        return  # the other process has ended
    except UserError as error:
        door.tell("refused", str(error))
    except Exception as error:
        _tell_why(door, error)
        raise


def _serve(ray: ModuleType, connection: Connection, door: _Door, folder: Path) -> None:
    door.tell("ready", _core_processes(ray))
    threading.Thread(target=_pulse, args=(ray, door), name="pulse", daemon=True).start()
    from sweeps.cluster.tune_search import Order, run_trials

    while (order := connection.recv()) is not None:
        run_trials(door.call, Order(*order), folder)
        door.tell("over")


def _tell_why(door: _Door, error: Exception) -> None:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    with contextlib.suppress(OSError):
        door.tell("failed", lines[0])


def _core_processes(ray: ModuleType) -> dict[str, int]:
    """Ids of Ray's essential processes on this machine, by kind."""
    node = getattr(ray._private.worker, "_global_node", None)
    started = getattr(node, "all_processes", {})
    return {
        kind: info.process.pid
        for kind in ("raylet", "gcs_server")
        for info in started.get(kind, ())
    }


def _pulse(ray: ModuleType, door: _Door) -> None:
    """Reports repeatedly that Ray answers, as long as it does."""
    over = threading.Event()
    while not over.wait(PULSE):
        try:
            alive = any(node["Alive"] for node in ray.nodes())
            door.tell("pulse", alive)
        except OSError:
            return
        except Exception:  # Ray raises many kinds: silence is the signal
            continue
