"""Ten small models as a pack, one by one, and plain: `python -m tests.benchmarks.packs --json X`.

The plain loop is what people write: nn.Module, DataLoader, torch.optim.Adam. All train the same
network on the same images for the same steps, take turns, and the median of the rounds counts.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from trainer.config import DatasetConfig, RunConfig
from trainer.data import Dataset, load
from trainer.training import Training

OPTIONS: dict[str, Any] = {"size": 32, "factors": {"orientation": 8, "posX": 8, "posY": 8}}
LATENTS, LEARNING_RATE = 10, 1e-3


class PlainVAE(nn.Module):
    """The `mlp` architecture as one model of its own."""

    def __init__(self, pixels: int):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(pixels, 256),
            nn.ReLU(),
            nn.Linear(256, 256),
            nn.ReLU(),
            nn.Linear(256, 2 * LATENTS),
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENTS, 256),
            nn.ReLU(),
            nn.Linear(256, 256),
            nn.ReLU(),
            nn.Linear(256, pixels),
        )

    def loss(self, x: torch.Tensor, beta: float) -> torch.Tensor:
        mu, logvar = self.encoder(x).chunk(2, -1)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
        logits = self.decoder(z)
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()
        return (reconstruction + beta * kl) / len(x)


def plain(data: Dataset, models: int, batch: int, steps: int, device: str) -> None:
    """Each model in its own loop, one after the other."""
    images = torch.from_numpy(data.images(range(len(data)))).flatten(1).float()
    dataset = TensorDataset(images)
    for seed in range(models):
        torch.manual_seed(seed)
        model = PlainVAE(images.shape[1]).to(device)
        optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
        sampler = RandomSampler(dataset, replacement=True, num_samples=steps * batch)
        for (x,) in DataLoader(dataset, batch, sampler=sampler):
            optimizer.zero_grad()
            model.loss(x.to(device), beta=4.0).backward()
            optimizer.step()


def pack(data: Dataset, configs: list[RunConfig], device: str) -> None:
    """All models of `configs` as one pack; nothing is written but their config files."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / str(number) for number in range(len(configs))]
        Training(configs, data, folders, device=device).advance(seconds=float("inf"))


def alone(data: Dataset, configs: list[RunConfig], device: str) -> None:
    """The same models, each as a pack of one."""
    for config in configs:
        pack(data, [config], device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path, help="file that gets the figures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = load("dsprites", **OPTIONS)
    data.stored()  # rendered before any clock runs
    configs = [
        RunConfig(
            DatasetConfig("dsprites", OPTIONS),
            beta=4.0,
            seed=seed,
            latents=LATENTS,
            architecture="mlp",
            batch_size=options.batch,
            steps=options.steps,
        )
        for seed in range(options.models)
    ]
    ways: dict[str, Callable[[], None]] = {
        "pack": lambda: pack(data, configs, options.device),
        "one by one": lambda: alone(data, configs, options.device),
        "plain PyTorch": lambda: plain(
            data, options.models, options.batch, options.steps, options.device
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            seconds[name].append(measured(way, options.device))
    report(seconds, options)


def measured(way: Callable[[], None], device: str) -> float:
    start = time.perf_counter()
    way()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - start


def report(seconds: dict[str, list[float]], options: argparse.Namespace) -> None:
    medians = {name: statistics.median(rounds) for name, rounds in seconds.items()}
    trained = options.models * options.steps
    print(f"{options.models} models, batch {options.batch}, {options.steps} steps each,")
    print(f"{options.threads} threads, {options.device}, torch {torch.__version__}")
    for name, median in medians.items():
        times = f"{median / trained * 1e3:7.2f} ms a model and step"
        print(f"{name:14} {times} {median / medians['pack']:6.2f} x the pack's time")
    if options.json:
        figures = vars(options) | {"json": None, "seconds": seconds, "medians": medians}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
