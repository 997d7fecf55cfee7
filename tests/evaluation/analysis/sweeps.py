"""Rows of made-up sweeps, for the tests of the answer."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from evaluation.analysis.table import RunRow

PIXELS = 4096


def make_rows(
    mean: Callable[[float, int], float],
    betas: Sequence[float],
    *,
    latents: Sequence[int] = (10,),
    seeds: int = 6,
    spread: float = 0.02,
    classifiers: int = 3,
    reconstruction: Callable[[float], float] = lambda beta: math.nan,
    parameters: dict[str, object] | None = None,
    draw: int = 0,
) -> list[RunRow]:
    """A full grid whose seeds scatter by `spread` about `mean(beta, latents)`."""
    rng = np.random.default_rng(draw)
    return [
        RunRow(
            run=f"{beta}-{m}-{seed}-{parameters}",
            state="finished",
            beta=beta,
            beta_norm=beta * m / PIXELS,
            latents=m,
            seed=seed,
            scores=tuple(score + 0.25 * spread * rng.standard_normal(classifiers)),
            reconstruction=reconstruction(beta),
            parameters=parameters or {},
        )
        for m in latents
        for beta in betas
        for seed, score in enumerate(mean(beta, m) + spread * rng.standard_normal(seeds))
    ]


def inverted_u(top: float, height: float = 0.3) -> Callable[[float, int], float]:
    """A mean score that is highest, 0.6 + height, at beta = `top`."""
    return lambda beta, _: 0.6 + height * math.exp(-0.5 * math.log(beta / top) ** 2)
