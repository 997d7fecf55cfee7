"""The faults: each is a function that does real harm to a sweep at work."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults import disks
from tests.faults.nodes import Cluster, Node
from tests.faults.processes import below, named, send
from tests.faults.small_sweep import NAME, Sweep


@dataclass
class Scene:
    """A sweep at work, and what may be done to it.

    runs: ids of all the runs that it will have. cluster: where it trains, if not on this machine.
    stops: seconds that each polite stop took.
    """

    sweep: Sweep
    rng: Random
    process: subprocess.Popen[str]
    runs: tuple[str, ...]
    cluster: Cluster | None = None
    stops: list[float] = field(default_factory=list)

    @property
    def below(self) -> list[int]:
        """All processes of Ray."""
        roots = [self.process.pid]
        if self.cluster is not None:
            roots = [node.process.pid for node in self.cluster.workers]
        return [pid for root in roots for pid in below(root)]

    def pause(self, least: float, most: float) -> None:
        """Waits for a random time."""
        time.sleep(self.rng.uniform(least, most))


def kill_driver(scene: Scene) -> None:
    scene.process.kill()
    scene.process.wait()


def kill_worker(scene: Scene) -> None:
    _kill_one(scene, "ray::Trial")


def kill_raylet(scene: Scene) -> None:
    _kill_one(scene, "/raylet/raylet")


def kill_gcs(scene: Scene) -> None:
    _kill_one(scene, "/gcs/gcs_server")


def kill_all(scene: Scene) -> None:
    send([*scene.below, scene.process.pid], signal.SIGKILL)
    scene.process.wait()


def sigterm(scene: Scene) -> None:
    _stop(scene, signal.SIGTERM, os.kill)


def sigint(scene: Scene) -> None:
    _stop(scene, signal.SIGINT, os.kill)


def sigterm_to_group(scene: Scene) -> None:
    _stop(scene, signal.SIGTERM, os.killpg)


def sigint_to_group(scene: Scene) -> None:
    _stop(scene, signal.SIGINT, os.killpg)


def sigterm_to_everyone(scene: Scene) -> str:
    """As batch systems do it; what the sweep said."""
    everyone = [scene.process.pid, *scene.below]
    return _stop(scene, signal.SIGTERM, lambda pid, sign: send(everyone, sign))


def sigint_twice(scene: Scene) -> None:
    os.killpg(scene.process.pid, signal.SIGINT)
    scene.pause(0.1, 0.5)
    if scene.process.poll() is None:
        _stop(scene, signal.SIGINT, os.killpg)


def second_sweep_run(scene: Scene) -> None:
    other = scene.sweep.start()
    output = other.communicate(timeout=120)[0]
    if scene.process.poll() is None:
        assert other.returncode != 0, output
        assert f"is being run by process {scene.process.pid} on" in output, output


def damage_files(scene: Scene) -> None:
    """Of a sweep that was killed, as when the machine lost power."""
    kill_driver(scene)
    runs = list(scene.sweep.store.glob("runs/*/*"))
    records = list(scene.sweep.store.glob(f"sweeps/{NAME}/*/settings/*.json"))
    files = sorted(path for path in runs + records if path.is_file())
    for path in scene.rng.sample(files, min(3, len(files))):
        if path in runs:
            scene.sweep.spoilt.add(path.parent.name)
        scene.rng.choice((truncate, _flip_a_bit, _empty, Path.unlink))(path)


def file_in_the_way(scene: Scene) -> None:
    """A trial raises: where a run's folder should be there is a file."""
    free = [run for run in scene.runs if not (scene.sweep.store / "runs" / run).exists()]
    if not free:
        return
    path = scene.sweep.store / "runs" / scene.rng.choice(free)
    path.write_text("in the way")
    scene.pause(3, 6)
    path.unlink()


def out_of_memory(scene: Scene) -> None:
    """A worker gets no more memory from now on."""
    for pid in scene.rng.sample(found := named(scene.below, "ray::Trial"), min(1, len(found))):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE")
        resource.prlimit(pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))


def store_full(scene: Scene) -> None:
    with disks.full(scene.sweep.store):
        scene.pause(3, 6)


def store_read_only(scene: Scene) -> None:
    with disks.read_only(scene.sweep.store):
        scene.pause(3, 6)


def clock_jumps(scene: Scene) -> None:
    """Hours ahead, then a day back, where it stays."""
    if scene.sweep.clock is None:
        raise ValueError("the sweep has no clock of its own")
    for seconds in (scene.rng.uniform(600, 36_000), -scene.rng.uniform(36_000, 90_000)):
        scene.sweep.clock.jump_to(seconds)
        scene.pause(1, 3)


def lose_node(scene: Scene) -> None:
    _pick_node(scene).kill()


def hang_node(scene: Scene) -> None:
    _pick_node(scene).hang(seconds=10)


CLOCK_JUMPS = "the clock jumps, ahead and back"
FAULTS: Mapping[str, Callable[[Scene], object]] = {
    "kill -9 of the driver": kill_driver,
    "kill -9 of a trial's worker": kill_worker,
    "kill -9 of the raylet": kill_raylet,
    "kill -9 of Ray's control store": kill_gcs,
    "kill -9 of all at once": kill_all,
    "SIGTERM": sigterm,
    "SIGTERM to the process group": sigterm_to_group,
    "SIGTERM to every process": sigterm_to_everyone,
    "Ctrl-C, to the process alone": sigint,
    "Ctrl-C, to the process group": sigint_to_group,
    "Ctrl-C twice": sigint_twice,
    "a second sweep run": second_sweep_run,
    "files torn, emptied, deleted, a bit flipped": damage_files,
    "a trial raises: a file in its way": file_in_the_way,
    "a worker out of memory": out_of_memory,
    CLOCK_JUMPS: clock_jumps,
}
ON_A_DISK: Mapping[str, Callable[[Scene], object]] = {
    "store full (ENOSPC)": store_full,
    "store read-only (EROFS)": store_read_only,
}
ON_A_CLUSTER: Mapping[str, Callable[[Scene], object]] = {
    "kill -9 of a node": lose_node,
    "a hung node": hang_node,
    "kill -9 of a trial's worker on a node": kill_worker,
    "kill -9 of the driver, on a cluster": kill_driver,
    "SIGTERM, on a cluster": sigterm,
}


def _kill_one(scene: Scene, text: str) -> None:
    found = named(scene.below, text)
    send(scene.rng.sample(found, min(1, len(found))), signal.SIGKILL)


def _stop(scene: Scene, sign: int, how: Callable[[int, int], object]) -> str:
    start = time.monotonic()
    how(scene.process.pid, sign)
    output = scene.process.communicate(timeout=120)[0]
    scene.stops.append(time.monotonic() - start)
    return output


def _pick_node(scene: Scene) -> Node:
    assert scene.cluster is not None
    node = scene.cluster.workers.pop(scene.rng.randrange(len(scene.cluster.workers)))
    scene.cluster.grow()  # as a cloud replaces a lost machine
    return node


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _empty(path: Path) -> None:
    path.write_bytes(b"")
