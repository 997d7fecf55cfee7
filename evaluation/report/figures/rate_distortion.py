"""Reconstruction against KL along beta, with its hull, and its slope (Higgins et al. 2017, A.6)."""

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes

from evaluation.analysis.recommend import comparable
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.charts.axis import axis_of
from evaluation.report.charts.captions import of_rate
from evaluation.report.figures import series, style
from evaluation.report.material import Drawn, Lacking, Material


def of_sweep(sweep: Material) -> Drawn:
    """Left: log p(x|z) against KL; the dashed hull joins the best trade-offs found.

    Right: the slope between neighbours against their beta. At the optimum of the β-VAE's bound the
    slope d log p(x|z) / d KL is β (A.6), so points of well-trained models lie on the diagonal.
    """
    alike = comparable(sweep.choice.settings, sweep.choice.best)
    known = [s for s in alike if s.finished and math.isfinite(s.kl)]
    if len(known) < 2:
        raise Lacking("fewer than two settings have both a KL and a reconstruction")
    lines = series.series_of(sweep.choice, axis_of(sweep.choice))
    drawn = {id(setting) for setting in known}
    parts = [[s for s in line.settings if id(s) in drawn] for line in lines]
    sloped = any(slopes(part) for part in parts)
    figure = style.new_figure(9.6 if sloped else 5.6, 4.6)
    left, *right = figure.subplots(1, 1 + sloped, squeeze=False)[0]
    for line, settings in zip(lines, parts, strict=True):
        part = sorted(settings, key=lambda s: s.kl)
        if not part:
            continue
        left.plot([s.kl for s in part], [s.reconstruction for s in part], color=line.colour,
                  marker=line.marker, markersize=6, linewidth=1.2, label=line.label,
                  markeredgecolor="white", markeredgewidth=0.6, gid="settings")  # fmt: skip
        if found := slopes(part):
            right[0].plot([beta for beta, _ in found], [slope for _, slope in found], gid="slopes",
                       color=line.colour, marker=line.marker, markersize=6, linewidth=0.8,
                       markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    edge = hull([(s.kl, s.reconstruction) for s in known])
    left.plot(*zip(*edge, strict=True), color=style.INK, linewidth=1, linestyle=(0, (4, 3)),
              zorder=1, gid="hull")  # fmt: skip
    style.dress(left, title="Reconstruction against KL", xlabel="KL, nats per image",
                ylabel="log p(x|z), nats per image")  # fmt: skip
    if sloped:
        _dress_slopes(right[0])
    if 1 < len(lines) <= style.MANY:
        left.legend(frameon=False, fontsize=9, labelcolor=style.INK, loc="lower right")
    slope = (
        " Right: slope between neighbouring β; dotted: slope = β, as at the optimum of the bound."
    )
    style.caption(figure, "Dashed: hull of the best trade-offs." + slope * sloped)
    return Drawn(figure, "What a nat of KL buys", of_rate(sweep.choice))


def slopes(settings: Sequence[SettingSummary]) -> list[tuple[float, float]]:
    """(β, d log p(x|z) / d KL) between neighbours in β, at the geometric mean of their two β."""
    by_beta = sorted((s for s in settings if s.beta > 0), key=lambda s: s.beta)
    found = []
    for a, b in pairwise(by_beta):
        if a.kl != b.kl and a.beta != b.beta:
            slope = (a.reconstruction - b.reconstruction) / (a.kl - b.kl)
            if slope > 0:  # not positive: noise, where two settings nearly coincide
                found.append((math.sqrt(a.beta * b.beta), slope))
    return found


def hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The upper convex hull of (KL, reconstruction), from the least KL to the sharpest point."""
    edge: list[tuple[float, float]] = []
    for x, y in sorted(set(points)):
        while len(edge) >= 2:
            (x1, y1), (x2, y2) = edge[-2:]
            if (x2 - x1) * (y - y1) < (y2 - y1) * (x - x1):
                break
            edge.pop()
        edge.append((x, y))
    top = max(range(len(edge)), key=lambda i: edge[i][1])
    return edge[: top + 1]


def _dress_slopes(axes: Axes) -> None:
    style.dress(axes, title="Its slope against β", xlabel="β",
                ylabel="d log p(x|z) / d KL")  # fmt: skip
    drawn = [value for line in axes.lines for value in line.get_xydata().ravel()]  # type: ignore[union-attr]
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = min(drawn) / 1.3, max(drawn) * 1.3
    axes.plot([low, high], [low, high], color=style.QUIET, linewidth=1, linestyle=":", zorder=1)
    for axis in (axes.xaxis, axes.yaxis):
        style.plain_log_ticks(axis, low, high)
