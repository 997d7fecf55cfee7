"""Whether InfoGAN and DC-IGN learn or collapse, over several seeds on small 2D shapes.

    python -m tests.benchmarks.collapse [--objective infogan dc_ign] [--seeds 5] [--size 16]
        [--steps N] [--batch 32] [--json PATH]

Each objective trains the paper's network, one pack of all seeds, and each seed is judged by:

images: variance of the images that it makes of codes from its prior, over that of the real images;
    0 when all are one image, 1 when they vary as the real ones do.
codes: correlation of those codes with what the encoder reads from the images, mean over the latents
    that the objective is to fill.
factors: for each factor, the greatest correlation of a latent's mean with its class over the real
    images, mean over position x, position y and scale.
error: squared error of reconstructions over that of the mean image; below 1 where a code says
    something of its image.
higgins: the score of `evaluate`.

A seed has collapsed when `images` is below 0.2, `factors` below 0.3 or, for DC-IGN, which learns to
reconstruct, `error` is not below 1.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from evaluation import evaluate
from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data import load
from trainer.data.dataset import Dataset
from trainer.models import Pack, load_pack
from trainer.training.loop import train

FACTORS = {"scale": 3, "orientation": 4, "posX": 8, "posY": 8}  # with three shapes 2,304 images
JUDGED = ("scale", "posX", "posY")
RUNS: dict[str, dict[str, Any]] = {
    "infogan": {"architecture": "infogan", "latents": 5, "steps": 2000},
    "dc_ign": {"architecture": "dc_ign", "latents": 9, "steps": 2000},
}


@torch.no_grad()
def judge(pack: Pack, data: Dataset) -> list[dict[str, float]]:
    """The figures of every model of a pack."""
    images = torch.from_numpy(data.images(np.arange(len(data)))).float() / data.levels
    means = pack.encode(images)[0]
    again = pack.means(means)
    codes = pack.sample_prior(500)
    made = pack.means(codes)
    read = pack.encode(made)[0]
    mean_image = images.mean(0)
    spread = (images - mean_image).square().sum().item()
    columns = [list(data.factors).index(name) for name in JUDGED]
    classes = data.classes(np.arange(len(data)))[:, columns]
    figures = []
    for model in range(pack.size):
        to_factors = _correlations(means[model].numpy(), classes)
        to_codes = _correlations(codes[model].numpy(), read[model].numpy())
        figures.append(
            {
                "images": made[model].var(0).sum().item() / images.var(0).sum().item(),
                "codes": float(np.diagonal(to_codes).mean()),
                "factors": float(to_factors.max(axis=0).mean()),
                "error": (images - again[model]).square().sum().item() / spread,
            }
        )
    return figures


def _correlations(these: NDArray, those: NDArray) -> NDArray[np.float64]:
    """|correlation| of each column of one table with each of the other; 0 for constant ones."""
    a, b = (table - table.mean(axis=0) for table in (these.astype(float), those.astype(float)))
    norms = np.outer(np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0))
    return np.abs(a.T @ b) / np.maximum(norms, 1e-9)


def collapsed(objective: str, figures: dict[str, float]) -> bool:
    """As the head of this file defines it."""
    worthless = objective == "dc_ign" and figures["error"] >= 1
    return figures["images"] < 0.2 or figures["factors"] < 0.3 or worthless


def study(objective: str, arguments: argparse.Namespace) -> list[dict[str, float]]:
    """Trains and judges all seeds of an objective."""
    options = {"size": arguments.size, "factors": FACTORS}
    data = load("dsprites", **options)
    configs = [
        RunConfig(
            DatasetConfig("dsprites", options),
            seed=seed,
            objective=objective,
            optimizer=OptimizerConfig("adam", 1e-3, beta1=arguments.beta1),
            batch_size=arguments.batch,
            **RUNS[objective] | ({"steps": arguments.steps} if arguments.steps else {}),
        )
        for seed in range(arguments.seeds)
    ]
    with tempfile.TemporaryDirectory() as root:
        folders = [Path(root) / str(seed) for seed in range(arguments.seeds)]
        records = train(configs, data, folders, device=arguments.device)
        assert all(record["state"] == "finished" for record in records)
        figures = judge(load_pack(folders), data)
        for figure, result in zip(figures, evaluate(folders, data), strict=True):
            [evaluation] = result["evaluations"].values()
            figure["higgins"] = evaluation["measures"]["higgins"]["score"]
    return figures


def main() -> None:
    """Trains, judges and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objective", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--size", type=int, default=16, help="pixels of a side of the images")
    parser.add_argument("--steps", type=int, help="left out, what each objective needs")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--beta1", type=float, default=0.5, help="of Adam")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    names = ("images", "codes", "factors", "error", "higgins")
    table = Table("objective", "seed", *names, "collapsed")
    rows = []
    for objective in arguments.objective:
        for seed, figures in enumerate(study(objective, arguments)):
            lost = collapsed(objective, figures)
            cells = [f"{figures[name]:.3f}" for name in names]
            table.add_row(objective, str(seed), *cells, "yes" if lost else "no")
            rows.append({"objective": objective, "seed": seed, "collapsed": lost, **figures})
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
