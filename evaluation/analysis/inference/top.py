"""Where the curve over beta peaks, with its interval, and whether the peak may be further out."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.analysis.inference.posterior import CurvePoints
from evaluation.analysis.settings.summary import SettingSummary

Side = Literal["lowest", "highest"]


@dataclass(frozen=True)
class Top:
    """The top of the curve, usually between the settings that were tried.

    interval, interval_norm: of the best beta and beta_norm, over every latent size tried.
    expected: mean score over seeds there.
    """

    beta: float
    beta_norm: float
    latents: int
    family: int
    interval: tuple[float, float]
    interval_norm: tuple[float, float]
    expected: float


@dataclass(frozen=True)
class Edge:
    """One end of the betas tried at a latent size.

    probability: that the curve is highest there and still rising, by more than `within` since the
    previous setting, so that it may rise further beyond.
    """

    side: Side
    latents: int
    beta: float
    beta_norm: float
    probability: float


def find_top(
    points: CurvePoints, draws: np.ndarray, setting: SettingSummary, sign: float, level: float
) -> Top:
    """The top of the curves drawn (draws, points), higher is better.

    The interval contains the middle `level` of the drawn functions' tops, the most likely top, and
    the beta of `setting`, so that the recommended value is never outside.
    """
    expected, tops = draws.mean(axis=0), draws.argmax(axis=1)
    top = int(expected.argmax())
    log_norm = points.log_norm
    log_beta = log_norm + points.log_ratio
    return Top(
        beta=math.exp(log_beta[top]),
        beta_norm=math.exp(log_norm[top]),
        latents=int(points.latents[top]),
        family=int(points.family[top]),
        interval=_interval(points, log_beta, tops, level, math.exp(log_beta[top]), setting.beta),
        interval_norm=_interval(
            points, log_norm, tops, level, math.exp(log_norm[top]), setting.beta_norm
        ),
        expected=sign * float(expected[top]),
    )


def _interval(
    points: CurvePoints, position: np.ndarray, tops: np.ndarray, level: float, *others: float
) -> tuple[float, float]:
    """The middle `level` of exp(position) at the tops, widened to contain the others."""
    # a top is anywhere within half a step of its point, but not outside the range tried
    lower = position - np.where(points.low, 0.0, points.half_step)
    upper = position + np.where(points.high, 0.0, points.half_step)
    low = np.quantile(lower[tops], (1 - level) / 2, method="lower")
    high = np.quantile(upper[tops], (1 + level) / 2, method="higher")
    return min(math.exp(low), *others), max(math.exp(high), *others)


def find_edges(
    points: CurvePoints, draws: np.ndarray, settings: Sequence[SettingSummary], within: float
) -> tuple[Edge, ...]:
    """Both ends of the range at every latent size among `points`; draws: (draws, points)."""
    tops = draws.argmax(axis=1)
    sides: tuple[tuple[Side, np.ndarray], ...] = (("lowest", points.low), ("highest", points.high))
    edges = []
    for latents, (side, at_end) in itertools.product(np.unique(points.latents), sides):
        ends = np.flatnonzero(at_end & (points.latents == latents))
        betas = sorted({s.beta_norm for s in settings if s.latents == latents})
        inward = betas[1:2] if side == "lowest" else betas[-2:-1]
        rising = np.zeros(len(draws), bool)
        for end in ends if inward else ():
            curve = np.flatnonzero(
                (points.latents == latents) & (points.family == points.family[end])
            )
            before = curve[np.abs(points.log_norm[curve] - math.log(inward[0])).argmin()]
            rising |= (tops == end) & (draws[:, end] - draws[:, before] > within)
        log_norm, log_ratio = points.log_norm[ends[0]], points.log_ratio[ends[0]]
        edges.append(
            Edge(
                side=side,
                latents=int(latents),
                beta=math.exp(log_norm + log_ratio),
                beta_norm=math.exp(log_norm),
                probability=float(rising.mean()),
            )
        )
    return tuple(edges)
