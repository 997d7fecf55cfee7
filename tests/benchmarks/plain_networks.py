"""Packs of plain modules, by torch.func.vmap, against packed layers: the same networks.

    python -m tests.benchmarks.plain_networks [--models 8] [--steps 5] [--json PATH]

ms: of a training step of a whole pack, the least of some, the two ways taken in turn.
"""

import argparse
import math
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from tests.benchmarks.output import add_json, show
from trainer import extensions
from trainer.config.run import DatasetConfig, RunConfig
from trainer.data import Dataset, load
from trainer.training.loop import Training

PLAIN = """
from tests.benchmarks.plain_networks import plain_conv as conv, plain_mlp as mlp
"""
COLUMNS = {
    "network": ("network", ""),
    "packed": ("packed layers, ms", ".1f"),
    "plain": ("plain modules, ms", ".1f"),
    "ratio": ("plain / packed", ".2f"),
}


def plain_mlp(shape: tuple[int, int, int], latents: int) -> tuple[nn.Module, nn.Module]:
    """As `trainer.architectures.mlp`, for one model."""
    pixels = math.prod(shape)
    encoder = [nn.Linear(pixels, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
    decoder = [nn.Linear(latents, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
    return (
        nn.Sequential(nn.Flatten(), *encoder, nn.Linear(128, 2 * latents)),
        nn.Sequential(*decoder, nn.Linear(128, pixels), nn.Unflatten(1, shape)),
    )


def plain_conv(shape: tuple[int, int, int], latents: int) -> tuple[nn.Module, nn.Module]:
    """As `trainer.architectures.conv` on 32x32 images, for one model."""
    stages = (shape[0], 32, 32, 64)
    down, up = nn.Sequential(), nn.Sequential()
    for inputs, outputs in pairwise(stages):
        down.extend([nn.Conv2d(inputs, outputs, 4, 2, 1), nn.ReLU()])
    for outputs, inputs in reversed(list(pairwise(stages))):
        up.extend([nn.ReLU(), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)])
    encoder = [nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * latents)]
    decoder = [nn.Linear(latents, 256), nn.ReLU(), nn.Linear(256, 1024)]
    return (
        nn.Sequential(down, *encoder),
        nn.Sequential(*decoder, nn.Unflatten(1, (64, 4, 4)), *up),
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--device", default="auto")
    add_json(parser)
    arguments = parser.parse_args()
    data = load("dsprites", size=32)
    rows = []
    with tempfile.TemporaryDirectory() as root:
        file = Path(root) / "plain.py"
        file.write_text(PLAIN)
        extensions.trust([PLAIN])
        for network in ("mlp", "conv"):
            ways = {"packed": network, "plain": f"{file}:{network}"}
            trainings = {
                way: _training(name, arguments, data, Path(root) / network / way)
                for way, name in ways.items()
            }
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(arguments.steps + 4):  # the first ones warm up
                for way, training in trainings.items():
                    seconds[way].append(_step(training))
            least = {way: 1000 * min(times[4:]) for way, times in seconds.items()}
            rows.append({"network": network, **least, "ratio": least["plain"] / least["packed"]})
    show(rows, arguments, COLUMNS)


def _training(name: str, arguments: argparse.Namespace, data: Dataset, folder: Path) -> Training:
    runs = [
        extensions.with_sources(
            RunConfig(DatasetConfig("dsprites"), architecture=name, steps=10**6, seed=seed)
        )
        for seed in range(arguments.models)
    ]
    folders = [folder / str(k) for k in range(len(runs))]
    return Training(runs, data, folders, device=arguments.device, checkpoint_seconds=1e9)


def _step(training: Training) -> float:
    start = time.perf_counter()
    training.advance(0)
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
