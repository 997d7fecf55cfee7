"""One sweep under faults, and what it left compared with an undisturbed one."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.faults import nodes
from tests.faults.clock import Clock
from tests.faults.disks import small_disk
from tests.faults.faults import CLOCK_JUMPS, FAULTS, ON_A_CLUSTER, ON_A_DISK, Scene
from tests.faults.processes import command_line, ended, wait_for_the_end
from tests.faults.small_sweep import Sweep, Table, environment

MOST_SECONDS = 100.0  # until Ray's last processes are gone: two of them take a minute after kill -9


@dataclass(frozen=True)
class Broken:
    """What differs from an undisturbed sweep; all empty when nothing does."""

    runs: tuple[str, ...] = ()
    trained_twice: tuple[str, ...] = ()
    mlflow: tuple[str, ...] = ()
    running: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """By the columns of the table."""
        return {
            "lost or different": len(self.runs),
            "trained twice": len(self.trained_twice),
            "wrong in MLflow": len(self.mlflow),
            "left running": len(self.running),
        }

    def __bool__(self) -> bool:
        return any(self.counts().values())


@dataclass(frozen=True)
class Round:
    """broken: what went wrong. stops: seconds of each polite stop. output: the last lines said."""

    broken: Broken
    stops: tuple[float, ...]
    output: str


@dataclass(frozen=True)
class Peace:
    """What an undisturbed sweep leaves."""

    table: Table
    mlflow: Counter[tuple[str, str]]

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of its runs."""
        return tuple(sorted(self.table.runs))


def undisturbed(sweep: Sweep) -> Peace:
    """Runs a sweep undisturbed."""
    sweep.finish()
    return Peace(sweep.table(), sweep.in_mlflow())


def harass(
    folder: Path,
    faults: Sequence[str],
    rng: random.Random,
    peace: Peace,
    keys: Mapping[str, Any] = MappingProxyType({}),
) -> Round:
    """Runs a sweep under faults, one after the other, to its end; what they broke.

    keys: put on top of the sweep's own.
    """
    on_a_cluster = any(fault in ON_A_CLUSTER for fault in faults)
    with ExitStack() as stack:
        before = stack.enter_context(ended())
        sweep = Sweep(folder, keys=keys)
        if CLOCK_JUMPS in faults:
            sweep.clock = Clock(folder / "clock")
        stack.enter_context(small_disk(sweep.store))
        cluster = stack.enter_context(nodes.cluster(environment())) if on_a_cluster else None
        sweep.address = cluster.address if cluster else None
        with sweep.watched():
            stops = _inject(sweep, faults, rng, peace.runs, cluster)
            output = sweep.finish()
        if cluster is not None:
            cluster.end()
        left = wait_for_the_end(before, MOST_SECONDS)
        return Round(_broken(sweep, peace, left), tuple(stops), output)


def _inject(
    sweep: Sweep,
    faults: Sequence[str],
    rng: random.Random,
    runs: tuple[str, ...],
    cluster: nodes.Cluster | None,
) -> list[float]:
    scene = Scene(sweep, rng, sweep.start(), runs, cluster)
    for fault in faults:
        if scene.process.poll() is not None:
            scene.process = sweep.start()
        # at any moment of its life, but mostly while it trains
        if rng.random() < 0.8:
            done = len(sweep.results())
            sweep.wait_for("config.json", min(done + 1, len(runs)), scene.process)
        scene.pause(0, 4)
        {**FAULTS, **ON_A_DISK, **ON_A_CLUSTER}[fault](scene)
    scene.process.communicate(timeout=900)
    return scene.stops


def _broken(sweep: Sweep, peace: Peace, left: Sequence[int]) -> Broken:
    table, mlflow = sweep.table(), sweep.in_mlflow()
    everything = {**peace.table.runs, **table.runs}
    runs = [
        run
        for run in everything
        if table.runs.get(run) != peace.table.runs.get(run)
        or table.models.get(run) != peace.table.models.get(run)
    ]
    if table.decisions != peace.table.decisions:
        runs.append("what was decided")
    if table.answer != peace.table.answer:
        runs.append("the answer")
    entries = {*mlflow, *peace.mlflow}
    return Broken(
        runs=tuple(runs),
        trained_twice=tuple(sweep.trained_again),
        mlflow=tuple(f"{e}" for e in entries if mlflow[e] != peace.mlflow[e]),
        running=tuple(command_line(pid) or str(pid) for pid in left),
    )
