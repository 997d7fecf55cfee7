"""Reconstruction beside disentanglement: the sharpest models are seldom the best disentangled."""

import math
from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital, count, number
from evaluation.analysis.table import RunRow
from evaluation.report.figures import series, style

NARROWEST = 0.1  # of the score axis, so that one setting is not drawn as if its digits mattered


def draw(rows: Sequence[RunRow], choice: Choice, *, score_name: str = "score") -> Figure:
    """Score against reconstruction, coloured by beta (Higgins et al. 2017, Sec. 4.2).

    Grey lines join settings that differ in beta alone. Failed runs have no
    reconstruction and are only counted.
    """
    figure = style.new_figure(9.6, 5.4)
    axes = figure.add_subplot()
    markers = style.markers_of(choice.per_latents)
    scale = _beta_scale([row.beta for row in rows])
    known = [row for row in rows if math.isfinite(row.reconstruction) and row.state == "finished"]
    settings = [s for s in choice.settings if math.isfinite(s.reconstruction)]

    axes.scatter(
        [row.reconstruction for row in known],
        [row.score for row in known],
        c=[style.colour_at(scale, row.beta) for row in known] or None,
        s=16,
        alpha=0.4,
        linewidths=0,
        gid="seeds",
    )
    for line in series.lines(settings):
        x, y = [s.reconstruction for s in line], [s.score for s in line]
        axes.plot(x, y, color="#9ca3af", linewidth=1, zorder=2)
        axes.scatter(
            x,
            y,
            c=[style.colour_at(scale, s.beta) for s in line] or None,
            marker=markers[line[0].latents],
            s=72,
            edgecolors="white",
            linewidths=0.8,
            zorder=3,
            gid="settings",
        )
    if choice.best in settings:
        _mark_best(axes, choice)
    style.dress(
        axes,
        title=f"{capital(score_name)} beside reconstruction",
        xlabel="reconstruction   log p(x|z), nats an image   (right is sharper)",
        ylabel=score_name,
    )
    if not settings:
        style.say(axes, "no reconstruction was recorded")
        axes.set_xticks([])
    low, high = axes.get_ylim()
    if high - low < NARROWEST:
        axes.set_ylim((low + high - NARROWEST) / 2, (low + high + NARROWEST) / 2)
    if 1 < len(markers) <= style.MANY:
        _legend(axes, markers)
    bar = style.colour_bar(figure, axes, scale, "β")
    style.plain_log_ticks(bar.ax.yaxis, *scale.get_clim())
    style.caption(figure, _caption(rows, known))
    return figure


def _beta_scale(betas: Sequence[float]) -> ScalarMappable:
    """Colours by log beta; beta = 0 takes the colour of the smallest beta above it."""
    positive = [beta for beta in betas if beta > 0] or [1.0]
    low, high = min(positive), max(positive)
    if low == high:
        low, high = low / 2, high * 2
    return ScalarMappable(LogNorm(low, high, clip=True), colormaps[style.BETA_MAP])


def _mark_best(axes: Axes, choice: Choice) -> None:
    best = choice.best
    axes.scatter(
        best.reconstruction,
        best.score,
        s=210,
        facecolors="none",
        edgecolors=style.INK,
        linewidths=1.8,
        zorder=4,
        gid="best",
    )
    axes.annotate(
        f"best: β = {number(best.beta)}, M = {best.latents}",
        (best.reconstruction, best.score),
        xytext=(0, 14 if choice.goal == "maximize" else -20),
        textcoords="offset points",
        ha="center",
        fontsize=9.5,
        fontweight="bold",
        color=style.INK,
    )
    axes.margins(0.05, 0.1)


def _legend(axes: Axes, markers: Mapping[int, str]) -> None:
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=style.QUIET, label=f"M = {size}")
        for size, marker in markers.items()
    ]
    axes.legend(handles=handles, frameon=False, fontsize=9.5, labelcolor=style.INK, loc="best")


def _caption(rows: Sequence[RunRow], known: Sequence[RunRow]) -> str:
    text = "Large: settings. Small: seeds. Grey lines join settings that differ in β alone."
    failed = sum(row.state == "failed" for row in rows)
    unknown = len(rows) - failed - len(known)
    if failed:
        text += f" Not shown: {count(failed, 'failed run')}."
    if unknown:
        text += f" Without a reconstruction: {count(unknown, 'run')}."
    return text
