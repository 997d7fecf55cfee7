"""A scale model of the orchestration: 10,000 trials on 200 slots, in virtual time.

    python -m tests.benchmarks.scale [--trials N] [--slots N] [--method M] [--no-tracking]
                                     [--real-trials N] [--json PATH]

First, in virtual time, the project's own parts (`TuneSearch`, `Retries`, `TrialQueue`, `Searcher`,
`Store`, `Tracker` with MLflow on SQLite) are driven by a simulator that plays Ray Tune: trials that
train nothing last as long as one drawn from a log-normal distribution, 1 % of them raise on the
way, and machines of 8 slots vanish with all their trials and come back. Time is that of the clock
in the simulator, cost is what our parts really took. MLflow is waited for after each trial, so
that its cost is told apart; in a real sweep it has the trial's own time for that.

Then Ray Tune itself, with as many no-op trials as asked for, to see what it adds.

Costs are shown against the number of trials done, and the straight line through them says what
they would be at 100,000.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from sweeps.cluster.ray_process import RayProcess, ray_process
from sweeps.console.progress import Progress
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import Resources, SweepSpec, spec_of
from sweeps.tracking.tracker import Tracker
from sweeps.trials.dispatch import Dispatch
from sweeps.trials.retries import Retries
from sweeps.trials.stopping import StopRequest
from sweeps.trials.trial_queue import Observer, TrialQueue
from sweeps.trials.work_order import job_of
from tests.benchmarks.orchestration import SPACE, write_no_op
from tests.benchmarks.simulator import Simulator, Tally

SEEDS = 5  # of a setting, each a trial of its own
FAR = 100_000


@dataclass(frozen=True)
class Point:
    """Costs a trial (ms) over the last stretch of the sweep, at `trials` trials done."""

    trials: int
    driver: float
    processor: float  # of the driver's time, what it did not wait for the disk or other programs
    tracking: float
    fsyncs: float  # of which the trial's own worker does two
    memory: float  # MB, of the driver
    database: float  # MB, of MLflow


def simulate(spec: SweepSpec, folder: Path, slots: int, tracking: bool) -> list[Point]:
    """All trials of the sweep, in virtual time; prints a line for each stretch of them."""
    sweep = Sweep.load(spec, store := Store(folder / "store"))
    store.prepare()
    tracker = Tracker(sweep) if tracking else None
    everything = spec.setting_count * SEEDS
    progress = Progress(Console(file=io.StringIO()), everything, spec.metric.goal)
    queue = TrialQueue(sweep, Searcher(spec), [progress, *([tracker] if tracker else [])])
    job = job_of(spec, store, sweep.metrics.evaluation)
    search = Dispatch(queue, progress, store, job, Retries(spec.max_failures), StopRequest())
    evaluation = sweep.metrics.identity(["a run"])
    points: list[Point] = []
    stretch = max(1, everything // 10)
    before, fsyncs_before, began = Tally(), 0, time.perf_counter()
    with _counted_fsyncs() as fsyncs:
        simulator = Simulator(
            search,
            tracker,
            store,
            slots,
            lambda store, config: write_no_op(store, config, evaluation),
        )
        print(
            "trials  driver ms   (CPU)  MLflow ms  fsyncs  memory MB  MLflow MB"
            "   (ms and fsyncs: each trial)"
        )
        for tally in simulator.trials():
            if tally.trials % stretch:
                continue
            done = tally.trials - before.trials
            points.append(
                Point(
                    trials=tally.trials,
                    driver=1000 * (tally.driver - before.driver) / done,
                    processor=1000 * (tally.processor - before.processor) / done,
                    tracking=1000 * (tally.tracking - before.tracking) / done,
                    fsyncs=(fsyncs["all"] - fsyncs_before) / done,
                    memory=_memory(),
                    database=_size(folder / "store" / "mlflow.db"),
                )
            )
            before, fsyncs_before = Tally(**asdict(tally)), fsyncs["all"]
            print(_line(points[-1]), flush=True)
    tally = simulator.tally
    if search.error is not None:
        raise search.error
    print(
        f"{tally.trials:,} trials in {tally.virtual / 3600:.1f} h of virtual time on {slots} slots "
        f"({3600 * tally.trials / tally.virtual:,.0f} an hour), {tally.failures} attempts failed, "
        f"{tally.machines_lost} machines lost; it took {time.perf_counter() - began:.0f} s"
    )
    print(_writes(points, tally))
    _check(sweep)
    if tracker is not None and not tracker.close():
        raise SystemExit("; ".join(tracker.lacking()))
    return points


def _writes(points: list[Point], tally: Tally) -> str:
    """Writes a second at the sweep's own pace, and the most that the driver would keep up with."""
    pace = tally.trials / tally.virtual
    fsyncs = float(np.mean([point.fsyncs for point in points]))
    driver = float(np.mean([point.driver for point in points]))
    line = (
        f"store: {fsyncs:.1f} synced writes a trial, {pace * fsyncs:.2f} a second at that pace; "
        f"the driver keeps up with {1000 / driver:,.0f} trials a second"
    )
    tracking = float(np.mean([point.tracking for point in points]))
    if tally.tracking:
        line += f"; MLflow: {pace:.2f} trials a second, and it keeps up with {1000 / tracking:,.1f}"
    return line


def _check(sweep: Sweep) -> None:
    """Every run once; and what it costs to begin again, and to answer."""
    began = time.perf_counter()
    rows = sweep.snapshot().rows
    read = time.perf_counter() - began
    runs = Counter(row.run for row in rows)
    missing = sweep.spec.setting_count * SEEDS - len(runs)
    print(f"lost: {missing}; twice: {len(rows) - len(runs)}; all rows read in {read:.1f} s")
    began = time.perf_counter()
    TrialQueue(sweep, Searcher(sweep.spec)).replay()
    print(f"run again, it is at work after {time.perf_counter() - began:.1f} s")


def far(points: list[Point]) -> dict[str, float]:
    """The straight line through each cost, at FAR trials, where it rises; else the mean.

    The first stretch, which holds the start-up, is left out.
    """
    points = points[1:]
    trials = [point.trials for point in points]
    lines = {}
    for name in ("driver", "processor", "tracking", "memory", "database"):
        values = [getattr(point, name) for point in points]
        slope, start = np.polyfit(trials, values, 1)
        lines[name] = float(max(start + slope * FAR, np.mean(values)))
    return lines


def real(spec: SweepSpec, folder: Path, ray: RayProcess) -> list[tuple[int, float, float]]:
    """Ray Tune itself with no-op trials: trials done, ms a trial of the last tenth, MB."""
    from tests.benchmarks.orchestration import no_training

    class Clock(Observer):
        def __init__(self) -> None:
            self.ended: list[tuple[float, float]] = []

        def trial_ended(self, block: Any, complete: bool) -> None:
            self.ended.append((1000 * time.perf_counter(), _memory()))

    store, clock = Store(folder / "real"), Clock()
    sweep = Sweep.load(spec, store)
    store.prepare()
    trainable = no_training(sweep.metrics.identity(["a run"]))
    ray.run(sweep, TrialQueue(sweep, Searcher(spec)), clock, StopRequest(), trainable)
    stretch = max(1, len(clock.ended) // 10)
    return [
        (at, (clock.ended[at][0] - clock.ended[at - stretch][0]) / stretch, clock.ended[at][1])
        for at in range(stretch, len(clock.ended), stretch)
    ]


def _line(point: Point) -> str:
    return (
        f"{point.trials:6,}  {point.driver:9.2f}  {point.processor:6.2f}  {point.tracking:9.2f}  "
        f"{point.fsyncs:6.1f}  {point.memory:9.0f}  {point.database:9.1f}"
    )


@contextlib.contextmanager
def _counted_fsyncs() -> Iterator[Counter[str]]:
    """Counts what this process asks the disk to keep; trials that run elsewhere are in it, too."""
    counts: Counter[str] = Counter()
    fsync = os.fsync

    def counted(fd: Any) -> None:
        counts["all"] += 1
        fsync(fd)

    os.fsync = counted
    try:
        yield counts
    finally:
        os.fsync = fsync


def _memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _size(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.exists() else 0.0


def _spec(trials: int, method: str, slots: int) -> SweepSpec:
    return spec_of(
        {
            **SPACE,
            "method": method,
            "seeds": SEEDS,
            "pack": 1,
            "settings": trials // SEEDS,
            "lookahead": -(-slots // SEEDS) + 1,
        }
    )


def main() -> None:
    """Runs both and prints what they found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=200)
    parser.add_argument("--method", default="quasirandom", choices=["bayes", "quasirandom"])
    parser.add_argument("--no-tracking", action="store_true", help="without MLflow")
    parser.add_argument("--real-trials", type=int, default=300)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args()
    figures: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        ray_process(None, Resources(), print) as ray,
    ):
        spec = _spec(args.trials, args.method, args.slots)
        points = simulate(spec, Path(folder), args.slots, not args.no_tracking)
        figures["points"] = [asdict(point) for point in points]
        figures["far"] = far(points)
        print(
            f"at {FAR:,} trials, by the straight lines through these: "
            + ", ".join(f"{name} {value:,.1f}" for name, value in figures["far"].items())
        )
        if args.real_trials:
            few = _spec(args.real_trials, args.method, args.slots)
            figures["ray_tune"] = real(few, Path(folder), ray)
            print("Ray Tune's no-op trials, by trials done: ms each, memory in MB")
            for done, milliseconds, memory in figures["ray_tune"]:
                print(f"{done:6,}  {milliseconds:9.1f}  {memory:9.0f}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
