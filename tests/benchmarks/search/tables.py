"""The tables that are searched: scores by latent size, beta and seed, real or simulated."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluation.analysis.table import RunRow

PIXELS, CHANCE = 256, 0.25
LATENTS = (3, 5, 10, 20)
BETAS = tuple(float(f"{beta:.2g}") for beta in np.geomspace(0.03, 14.0, 14))
COLLAPSED = 0.3
REAL = Path(__file__).parents[3] / "sweeps" / "reference" / "search" / "table.json"


@dataclass(frozen=True)
class Table:
    """Mean scores (latents, betas), and how a seed's score is drawn.

    draw: scores (latents, betas, seeds), from a generator and a number of seeds.
    metric: what the scores are, which may have a ceiling; "" if simulated.
    """

    name: str
    latents: tuple[int, ...]
    betas: tuple[float, ...]
    pixels: int
    means: np.ndarray
    draw: Callable[[np.random.Generator, int], np.ndarray]
    metric: str = ""

    def cell(self, beta: float, latents: int) -> tuple[int, int]:
        """Where in `means` a setting is, or the one with the nearest beta."""
        away = np.abs(np.log(np.array(self.betas) / beta))
        return self.latents.index(latents), int(away.argmin())


def run_of(
    table: Table, setting: int, beta: float, latents: int, seed: int, score: float
) -> RunRow:
    """The row of a run with this score."""
    return RunRow(
        run=f"{setting}-{seed}",
        state="finished",
        beta=beta,
        beta_norm=beta * latents / table.pixels,
        latents=latents,
        seed=seed,
        scores=(score,),
        setting=setting,
        chance=CHANCE,
        metric=table.metric,
    )


@functools.cache
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
    means = scores.mean(axis=2)
    return Table("real", latents, betas, values["pixels"], means, draw, metric=values["metric"])


@dataclass(frozen=True)
class Shape:
    """Position and size of a simulated curve.

    shift: of its top in log beta. slope: by how much the top moves with log latents. penalty: of
    log latents away from 10, squared. stretch: of its width. spread: over seeds.
    """

    shift: float = 0.0
    slope: float = 0.5
    penalty: float = 0.04
    stretch: float = 1.0
    spread: float = 0.05


def simulated(shape: Shape = Shape()) -> list[Table]:
    """Curves over log beta whose top moves a little with the latent size."""
    x = np.log(BETAS)[None, :]
    m = np.log(np.array(LATENTS) / 10.0)[:, None]
    low, high = x.min(), x.max()
    moved, none = shape.slope * m + shape.shift, 0 * (x + m)
    middle = (low + high) / 2

    def bump(centre: float, width: float, height: float = 0.55) -> np.ndarray:
        away = (x - centre - moved) / (width * shape.stretch)
        return height * np.exp(-0.5 * away**2) - shape.penalty * m**2

    skewed = np.where(x > middle + moved, bump(middle, 0.6), bump(middle, 2.5))
    curves = {
        "flat": (0.7 + none, none + shape.spread),
        "sharp": (0.4 + bump(middle, 0.5), none + shape.spread),
        "skewed": (0.4 + skewed, none + shape.spread),
        "edge": (0.35 + bump(high, 2.0), none + shape.spread),
        "two peaks": (
            0.4 + np.maximum(bump(low + 1.0, 0.7, 0.5), bump(high - 1.5, 0.7)),
            none + shape.spread,
        ),
        "noise grows": (
            0.4 + bump(middle, 1.2),
            0.2 * shape.spread + 2.4 * shape.spread * (x - low) / (high - low) + 0 * m,
        ),
    }
    return [_table(name, means, spread) for name, (means, spread) in curves.items()]


def drawn(number: int) -> Table:
    """Curve `number` of those that are drawn: each but the flat one in turn, moved and stretched.

    A flat curve would be chosen from correctly whatever is chosen.
    """
    rng = np.random.default_rng([number, 99])
    shape = Shape(
        shift=rng.uniform(-0.7, 0.7),
        slope=rng.uniform(0.0, 1.0),
        penalty=rng.uniform(0.01, 0.06),
        stretch=rng.uniform(0.7, 1.4),
        spread=rng.uniform(0.02, 0.08),
    )
    curves = simulated(shape)[1:]
    return replace(curves[number % len(curves)], name="drawn")


def _table(name: str, means: np.ndarray, spread: np.ndarray) -> Table:
    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        return means[..., None] + spread[..., None] * rng.standard_normal((*means.shape, count))

    return Table(name, LATENTS, BETAS, PIXELS, means, draw)


# by name: a table for each repetition of a search
TABLES: dict[str, Callable[[int], Table]] = {
    "real": lambda number: real(),
    **{t.name: functools.partial(lambda table, number: table, t) for t in simulated()},
    "drawn": drawn,
}
