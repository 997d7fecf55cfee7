"""Reconstruction against disentanglement: the sharpest models are rarely the best disentangled."""

import math
import statistics
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital, count
from evaluation.analysis.recommend import comparable, likelihood_of
from evaluation.analysis.settings.names import setting_label
from evaluation.analysis.table import RunRow
from evaluation.report.charts.axis import Axis, axis_of, named_axis_of
from evaluation.report.charts.captions import (
    of_tradeoff,
    other_likelihoods,
    own_best_in_short,
)
from evaluation.report.figures import series, style
from evaluation.report.material import Drawn, Material

NARROWEST = 0.1  # of the score axis, so that tiny differences do not fill it


def of_sweep(sweep: Material) -> Drawn:
    """The figure of a sweep, as `draw`."""
    figure = draw(sweep.rows, sweep.choice, score_name=sweep.score_name)
    title = "Disentanglement against reconstruction"
    return Drawn(figure, title, of_tradeoff(sweep.choice, sweep.score_name))


def draw(rows: Sequence[RunRow], choice: Choice, *, score_name: str = "score") -> Figure:
    """Score against reconstruction (Higgins et al. 2017, Sec. 4.2; Stühmer et al. 2019, Fig. 5).

    Coloured by beta, or by what was swept instead; where other choices vary, such as objectives, by
    those, with a legend. Lines join settings that differ only in beta. Both coordinates are means
    over all seeds, with standard errors, rather than the better half's score against all seeds'
    reconstruction. Failed runs have no reconstruction and are only counted, as are settings under
    another likelihood than the best.
    """
    figure = style.new_figure(9.6, 5.4)
    axes = figure.add_subplot()
    axis = axis_of(choice)
    lines = series.series_of(choice, axis)
    several = bool(choice.best.parameters) and 1 < len(lines) <= style.MANY
    named = named_axis_of(choice)
    scale = style.log_scale([named(row) for row in rows])
    settings = comparable(choice.settings, choice.best)
    alike = [row for setting in settings for row in setting.rows]
    known = [row for row in alike if math.isfinite(row.reconstruction) and row.state == "finished"]

    line_of = {row.run: line for line in lines for row in line.rows}
    axes.scatter(
        [row.reconstruction for row in known],
        [row.score for row in known],
        c=(
            [line_of[row.run].colour for row in known]
            if several
            else style.colours_at(scale, [named(row) for row in known])
        )
        or None,
        s=16,
        alpha=0.4,
        linewidths=0,
        gid="seeds",
    )
    drawn = {id(setting) for setting in settings if setting.finished}
    for line in lines:
        part = [s for s in line.settings if id(s) in drawn]
        x, y = [s.reconstruction for s in part], [s.mean for s in part]
        axes.plot(x, y, color=line.colour if several else "#9ca3af", linewidth=1, zorder=2)
        axes.errorbar(
            x,
            y,
            xerr=[_standard_error([row.reconstruction for row in s.rows]) for s in part],
            yerr=[_standard_error([row.score for row in s.rows]) for s in part],
            fmt="none",
            ecolor=line.colour if several else "#9ca3af",
            elinewidth=1,
            zorder=2,
        )
        axes.scatter(
            x,
            y,
            c=(
                [line.colour] * len(part)
                if several
                else style.colours_at(scale, [named(s) for s in part])
            )
            or None,
            marker=line.marker,
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
        title=f"{capital(score_name)} against reconstruction",
        xlabel="reconstruction   log p(x|z), nats per image   (right is sharper)",
        ylabel=score_name,
    )
    if not settings:
        style.say(axes, "no reconstruction was recorded")
        axes.set_xticks([])
    low, high = axes.get_ylim()
    if high - low < NARROWEST:
        axes.set_ylim((low + high - NARROWEST) / 2, (low + high + NARROWEST) / 2)
    if 1 < len(lines) <= style.MANY:
        _legend(axes, lines, several)
    if not several:
        bar = style.colour_bar(axes, scale, named.label)
        style.plain_log_ticks(bar.ax.yaxis, *scale.get_clim())
    grey = "" if several else style.grey_note((named(row) for row in known), named.label)
    style.caption(figure, _caption(choice, rows, known, named) + grey)
    return figure


def _standard_error(values: Sequence[float]) -> float:
    """Standard error of the mean of the known values; 0 for a single one."""
    known = [value for value in values if math.isfinite(value)]
    return statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else 0.0


def _mark_best(axes: Axes, choice: Choice) -> None:
    best = choice.best
    axes.scatter(
        best.reconstruction,
        best.mean,
        s=210,
        facecolors="none",
        edgecolors=style.INK,
        linewidths=1.8,
        zorder=4,
        gid="best",
    )
    axes.annotate(
        f"{'to use' if choice.favourite else 'best'}: {setting_label(best)}",
        (best.reconstruction, best.mean),
        xytext=(0, 14 if choice.goal == "maximize" else -20),
        textcoords="offset points",
        ha="center",
        fontsize=9.5,
        fontweight="bold",
        color=style.INK,
    )
    own = choice.favourite
    if own is not None and math.isfinite(own.reconstruction):
        style.dashed_ring(axes, (own.reconstruction, own.mean))
    axes.margins(0.05, 0.1)


def _legend(axes: Axes, lines: Sequence[series.SettingSeries], coloured: bool) -> None:
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=line.marker,
            color=line.colour if coloured else style.QUIET,
            label=line.label,
        )
        for line in lines
    ]
    axes.legend(handles=handles, frameon=False, fontsize=9.5, labelcolor=style.INK, loc="best")


def _caption(choice: Choice, rows: Sequence[RunRow], known: Sequence[RunRow], named: Axis) -> str:
    text = "Large: settings, with standard errors. Small: seeds. "
    text += f"Lines join settings that differ only in {named.label}."
    if own := own_best_in_short(choice):
        text += f" Dashed ring: {own}."
    failed = sum(row.state == "failed" for row in rows)
    others = [s for s in choice.settings if likelihood_of(s) != likelihood_of(choice.best)]
    left_out = [r for s in others for r in s.rows if r.state != "failed"]
    unknown = len(rows) - failed - len(known) - len(left_out)
    if failed:
        text += f" Not shown: {count(failed, 'failed run')}."
    if others:
        text += f" {capital(other_likelihoods(len(others)))}."
    if unknown:
        text += f" No reconstruction is known of {count(unknown, 'run')}."
    return text
