"""What is searched in: scores by latent size, beta and seed; real ones, or simulated curves."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PIXELS, CHANCE = 256, 0.25
LATENTS = (3, 5, 10, 20)
BETAS = tuple(float(f"{beta:.2g}") for beta in np.geomspace(0.03, 14.0, 14))
COLLAPSED = 0.3
REAL = Path(__file__).parents[3] / "sweeps" / "reference" / "search" / "table.json"


@dataclass(frozen=True)
class Table:
    """Mean scores (latents, betas), and how a seed's score is drawn.

    draw: gives scores (latents, betas, seeds), of a generator and a number of seeds.
    """

    name: str
    latents: tuple[int, ...]
    betas: tuple[float, ...]
    pixels: int
    means: np.ndarray
    draw: Callable[[np.random.Generator, int], np.ndarray]


def real(path: Path = REAL) -> Table:
    """The trained table: its seeds in a new order each time, without putting any back.

    The mean over all of its seeds counts as the truth.
    """
    values = json.loads(path.read_text())
    latents = tuple(int(m) for m in values["scores"])
    rows = list(values["scores"].values())
    seeds = min(len(scores) for row in rows for scores in row.values())
    chance = values["chance"]
    scores = np.array(
        [[[chance if s is None else s for s in v[:seeds]] for v in row.values()] for row in rows]
    )

    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        return rng.permuted(scores, axis=2)[:, :, :count]

    betas = tuple(float(beta) for beta in rows[0])
    return Table("real", latents, betas, values["pixels"], scores.mean(axis=2), draw)


def simulated() -> list[Table]:
    """Curves over log beta whose top moves a little with the latent size."""
    x = np.log(BETAS)[None, :]
    m = np.log(np.array(LATENTS) / 10.0)[:, None]
    low, high = x.min(), x.max()
    middle = (low + high) / 2

    def bump(centre: float, width: float, height: float = 0.55) -> np.ndarray:
        return height * np.exp(-0.5 * ((x - centre - 0.5 * m) / width) ** 2) - 0.04 * m**2

    skewed = np.where(x > middle + 0.5 * m, bump(middle, 0.6), bump(middle, 2.5))
    curves = {
        "flat": (0.7 + 0 * (x + m), 0.05 + 0 * (x + m)),
        "sharp": (0.4 + bump(middle, 0.5), 0.05 + 0 * (x + m)),
        "skewed": (0.4 + skewed, 0.05 + 0 * (x + m)),
        "edge": (0.35 + bump(high, 2.0), 0.05 + 0 * (x + m)),
        "two peaks": (
            0.4 + np.maximum(bump(low + 1.0, 0.7, 0.5), bump(high - 1.5, 0.7)),
            0.05 + 0 * (x + m),
        ),
        "noise grows": (0.4 + bump(middle, 1.2), 0.01 + 0.12 * (x - low) / (high - low) + 0 * m),
    }
    return [_table(name, means, spread) for name, (means, spread) in curves.items()]


def _table(name: str, means: np.ndarray, spread: np.ndarray) -> Table:
    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        return means[..., None] + spread[..., None] * rng.standard_normal((*means.shape, count))

    return Table(name, LATENTS, BETAS, PIXELS, means, draw)
