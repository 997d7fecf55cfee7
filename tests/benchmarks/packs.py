"""A pack beside the same models one by one, in a process each, and as plain PyTorch loops.

    python -m tests.benchmarks.packs [--architecture mlp] [--models 10] [--batch 64] [--side 32]
        [--precision fp32] [--processes 0] [--steps 20] [--rounds 5] [--quick] [--json PATH]

All train the same network on the same images (64x64 or 32x32) with Adam. They take turns of `steps`
steps, so that whatever else the machine does hits all alike; the median over `rounds` counts. The
plain loop is always fp32, and one model stands for all, which would take turns; it has a process of
its own, since ours changes how memory is allocated. `--processes N` also trains N models in a
process each, which share the device and its cores. With `--processor-time`, the clock is that of
processor time, which other programs on the machine hardly change; take one thread then.
"""

import argparse
import contextlib
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import torch

from tests.benchmarks.output import add_json, show
from tests.benchmarks.plain import BETA, LEARNING_RATE, PlainLoop
from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data import Dataset, load
from trainer.device import allocator
from trainer.training.loop import Training

FACTORS = {"orientation": 8, "posX": 8, "posY": 8}
LATENTS = 10
WARM_UP = 3  # steps before any clock runs
COLUMNS = {
    "way": ("way", ""),
    "milliseconds": ("ms a model and step", ".2f"),
    "images": ("images a second", ",.0f"),
    "times_plain": ("x plain", ".2f"),
    "times_alone": ("x one by one", ".2f"),
}


def configuration(options: argparse.Namespace, seed: int) -> RunConfig:
    """One of the models."""
    return RunConfig(
        DatasetConfig("dsprites", {"size": options.side, "factors": FACTORS}),
        beta=BETA,
        seed=seed,
        latents=LATENTS,
        architecture=options.architecture,
        optimizer=OptimizerConfig("adam", LEARNING_RATE),
        batch_size=options.batch,
        steps=10**6,
        precision=options.precision,
    )


class Loop(Protocol):
    """Something that trains."""

    def seconds(self, steps: int) -> float:
        """Trains for `steps`; how long it took."""
        ...


class PackLoop:
    """`models` models as one pack; nothing is written but their config files."""

    def __init__(
        self, options: argparse.Namespace, data: Dataset, models: int, clock: Callable[[], float]
    ):
        self.clock = clock
        self.folder = tempfile.TemporaryDirectory()
        allocator.keep_freed()
        configs = [configuration(options, seed) for seed in range(models)]
        folders = [Path(self.folder.name) / str(seed) for seed in range(models)]
        self.training = Training(
            configs, data, folders, device=options.device, checkpoint_seconds=float("inf")
        )

    def seconds(self, steps: int) -> float:
        """Trains for `steps`; how long it took."""
        start = self.clock()
        self.training.advance(float("inf"), steps)
        return self.clock() - start


class Processes:
    """Models in a process each, on an equal share of the cores."""

    def __init__(self, options: argparse.Namespace, count: int, *, plain: bool):
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Connection] = []
        threads = max(1, options.threads // count)
        for _ in range(count):
            ours, theirs = context.Pipe()
            arguments = (options, threads, plain, theirs)
            context.Process(target=serve, args=arguments, daemon=True).start()
            self.pipes.append(ours)

    def seconds(self, steps: int) -> float:
        """Trains all for `steps`; how long the slowest took."""
        for pipe in self.pipes:
            pipe.send(steps)
        return max(pipe.recv() for pipe in self.pipes)


def serve(options: argparse.Namespace, threads: int, plain: bool, pipe: Connection) -> None:
    """One process: trains as many steps as it is told, and answers how long it took."""
    torch.set_num_threads(threads)
    loop = make_loop(options, images(options), models=1, plain=plain)
    with contextlib.suppress(EOFError):  # the other end is done
        while True:
            pipe.send(loop.seconds(pipe.recv()))


def make_loop(options: argparse.Namespace, data: Dataset, models: int, *, plain: bool) -> Loop:
    """A pack, or the plain loop, with the clock that is asked for."""
    clock = time.process_time if options.processor_time else time.perf_counter
    if plain:
        return PlainLoop(data, options.architecture, LATENTS, options.batch, options.device, clock)
    return PackLoop(options, data, models, clock)


def images(options: argparse.Namespace) -> Dataset:
    """9,216 images of 2D shapes."""
    return load("dsprites", size=options.side, factors=FACTORS)


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """One row a way."""
    data = images(options)
    pack = make_loop(options, data, options.models, plain=False)
    ways: dict[str, tuple[int, Loop]] = {
        f"pack of {options.models}": (options.models, pack),
        "one by one": (1, make_loop(options, data, 1, plain=False)),
        "plain PyTorch loop": (1, Processes(options, 1, plain=True)),
    }
    if options.processes:
        processes = Processes(options, options.processes, plain=False)
        ways[f"{options.processes} processes"] = (options.processes, processes)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _, loop in ways.values():
        loop.seconds(WARM_UP)
    for _ in range(options.rounds):
        for name, (models, loop) in ways.items():
            # a pack's step is many models' steps
            steps = max(1, options.steps // models)
            seconds[name].append(loop.seconds(steps) / (steps * models))
    medians = {name: median(values) for name, values in seconds.items()}
    return [
        {
            "way": name,
            "milliseconds": 1e3 * each,
            "images": options.batch / each,
            "times_plain": medians["plain PyTorch loop"] / each,
            "times_alone": medians["one by one"] / each,
            "seconds": seconds[name],
        }
        for name, each in medians.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", choices=("mlp", "fc1200", "conv"), default="mlp")
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--side", type=int, default=32, help="of the images; conv takes 64 here")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--processes", type=int, default=0)
    parser.add_argument("--steps", type=int, default=100, help="of all models, in a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    add_json(parser)
    options = parser.parse_args()
    if options.architecture == "conv":
        options.side = 64
    if options.quick:
        options.steps, options.rounds = 10, 2
    torch.set_num_threads(options.threads)
    show(measure(options), options, COLUMNS)


if __name__ == "__main__":
    main()
