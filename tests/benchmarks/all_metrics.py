"""What each metric costs, and how far its score depends on the generator's seed.

    python -m tests.benchmarks.all_metrics [--models 10] [--seeds 5] [--only NAME ...] [--json PATH]

A pack of models with 10 latents on the 737,280 combinations of factors of 2D shapes, every metric
with its defaults (10,000 points or more). The codes are made up, from nearly perfect to noisy and
turned, so encoding images costs next to nothing and the time is the metric's own. Spread is the
standard deviation of one model's score over generator seeds, averaged over the models.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch

from evaluation.metrics import METRICS
from tests.benchmarks.output import add_json, show
from tests.evaluation.metrics.toys import SHAPES_2D, Encoder, Toy, noisy, pack, rotated, standard

COLUMNS = {
    "metric": ("metric", ""),
    "seconds": ("seconds a pack", ".1f"),
    "score": ("mean score", ".3f"),
    "spread": ("spread over generator seeds", ".4f"),
}
NEED_POSTERIOR = ("mig", "udr", "indicators")


def codes(models: int) -> Encoder:
    """A pack of codes: five latents of factors, turned further and noisier from one to the next."""
    perfect = standard(SHAPES_2D)
    parts = np.arange(models) / max(models - 1, 1)
    return pack(*(noisy(rotated(perfect, 3, 4, 45 * p), 0.05 + 0.5 * p, extra=5) for p in parts))


def run(name: str, represent: Encoder, seeds: int) -> dict[str, Any]:
    """Seconds a pack, mean score and spread of one metric."""

    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = represent(x)
        return mu, torch.full_like(mu, 2 * np.log(0.1))

    extra: dict[str, Any] = {"posterior": posterior} if name in NEED_POSTERIOR else {}
    data, scores, seconds = Toy(SHAPES_2D), [], []
    for seed in range(seeds):
        start = time.perf_counter()
        scores.append(METRICS[name](represent, data, seed, **extra).score)
        seconds.append(time.perf_counter() - start)
    table = np.array(scores)
    return {
        "metric": name,
        "seconds": float(np.median(seconds)),
        "score": float(table.mean()),
        "spread": float(table.std(axis=0, ddof=1).mean()) if seeds > 1 else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=METRICS, default=list(METRICS))
    add_json(parser)
    arguments = parser.parse_args()

    rows = [run(name, codes(arguments.models), arguments.seeds) for name in arguments.only]
    show(rows, arguments, COLUMNS)


if __name__ == "__main__":
    main()
