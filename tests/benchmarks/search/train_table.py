"""Trains the table of real scores that `python -m tests.benchmarks.search` searches in.

    python -m tests.benchmarks.search.train_table --out sweeps/reference/search/table.json

Small 2D shapes (those of sweeps/quickstart.yaml at 16x16 pixels), nets of the architecture `mlp`,
four latent sizes x 14 betas x 15 seeds = 840 models of 500 steps, in packs of 70; 14 minutes of one
core. A model's score is Higgins' (mean of three classifiers, of 1,000 + 1,000 points).
After an interruption it goes on with the packs that are missing.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from evaluation.health import live
from evaluation.likelihood import likelihood
from evaluation.metrics.higgins import higgins
from evaluation.metrics.support.encoding import Remembering
from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data import Dataset, load
from trainer.files import write_atomically
from trainer.run_folder import run_id
from trainer.training.loop import Training

DATA: Mapping[str, Any] = {
    "size": 16,
    "factors": {
        "shape": [1],
        "scale": 3,
        "orientation": [0, 2, 4, 6, 8, 10, 12, 14, 16, 18],
        "posX": 16,
        "posY": [8, 10, 12, 14, 16, 18, 20, 22],
    },
}
LATENTS = (3, 5, 10, 20)
BETAS = (0.03, 0.05, 0.08, 0.13, 0.2, 0.33, 0.53, 0.85, 1.4, 2.2, 3.5, 5.6, 9.0, 14.0)
SEEDS, TOGETHER, STEPS, POINTS = 15, 5, 500, 1000


def main() -> None:
    """Trains what is missing, and writes the table after each pack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="the table, a JSON file")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    data = load("dsprites", **DATA)
    data.stored()
    scores: dict[str, dict[str, list[float | None]]] = (
        json.loads(out.read_text())["scores"] if out.exists() else {}
    )
    for first in range(0, SEEDS, TOGETHER):
        for latents in LATENTS:
            rows = scores.setdefault(str(latents), {str(beta): [] for beta in BETAS})
            if len(rows[str(BETAS[0])]) > first:
                continue
            found = train_and_score(latents, range(first, first + TOGETHER), data)
            for beta, more in zip(BETAS, found, strict=True):
                rows[str(beta)] += more
            write_atomically(out, (json.dumps(table(scores)) + "\n").encode())
            print(f"latents {latents}, seeds {first} to {first + TOGETHER - 1}", flush=True)


def table(scores: Mapping[str, Mapping[str, list[float | None]]]) -> dict[str, Any]:
    """What the file holds. scores: by latents and beta, of each seed; None where it diverged."""
    return {
        "command": "python -m tests.benchmarks.search.train_table",
        "dataset": {"name": "dsprites", **DATA},
        "steps": STEPS,
        "pixels": DATA["size"] ** 2,
        "metric": "higgins",
        "chance": 0.25,
        "scores": scores,
    }


def train_and_score(latents: int, seeds: range, data: Dataset) -> list[list[float | None]]:
    """Scores by beta and seed of one pack."""
    configs = [configuration(beta, latents, seed) for beta in BETAS for seed in seeds]
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / run_id(config, data) for config in configs]
        training = Training(configs, data, folders, device="cpu", checkpoint_seconds=1e9)
        while not training.finished:
            training.advance(60.0)
        records = training.finish(weights=False)
    pack = training.pack
    with torch.no_grad():
        explained = likelihood(pack, data)
        alive = live(explained.kl_per_latent, explained.information_per_latent)
        mask = torch.from_numpy(alive)[:, None]
        represent = Remembering(lambda x: pack.encode(x)[0] * mask, torch.device("cpu"))
        taken = higgins(represent, data, train=POINTS, test=POINTS).score
    found = [
        round(float(score), 4) if record["state"] == "finished" else None
        for score, record in zip(taken, records, strict=True)
    ]
    return [found[start : start + len(seeds)] for start in range(0, len(found), len(seeds))]


def configuration(beta: float, latents: int, seed: int) -> RunConfig:
    """One of the models."""
    return RunConfig(
        DatasetConfig("dsprites", dict(DATA)),
        beta=beta,
        seed=seed,
        latents=latents,
        likelihood="bernoulli",
        architecture="mlp",
        optimizer=OptimizerConfig("adam", 0.005),
        batch_size=64,
        steps=STEPS,
    )


if __name__ == "__main__":
    main()
