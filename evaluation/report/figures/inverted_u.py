"""The inverted U: score against normalised beta for every M (Higgins et al. 2017, Fig. 5 right)."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital, count
from evaluation.analysis.table import RunRow
from evaluation.report.charts.axis import Axis, axis_of, named_axis_of
from evaluation.report.charts.captions import of_inverted_u, own_best_in_short
from evaluation.report.figures import series, style
from evaluation.report.material import Drawn, Material

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer


def of_sweep(sweep: Material) -> Drawn:
    """The figure of a sweep, as `draw`."""
    figure = draw(sweep.rows, sweep.choice, sweep.answer, score_name=sweep.score_name)
    return Drawn(figure, "The inverted U", of_inverted_u(sweep.choice, sweep.score_name))


def draw(
    rows: Sequence[RunRow],
    choice: Choice,
    answer: "Answer | None" = None,
    *,
    score_name: str = "score",
) -> Figure:
    """Every seed a dot, every setting a point on a line, every latent size a colour; tops ringed.

    Lines join settings that differ only along the axis, and each has a name in the legend: its
    latent size, or whatever else varies, such as an objective. The axis is beta_norm or, where beta
    does not vary, whatever does. The band contains the middle half of a setting's seeds, or the
    interval of the fitted curve when an `answer` is given; its intervals of the best beta are bars
    at the top. Failed seeds are red crosses.
    """
    figure = style.new_figure(9.6, 5.6)
    axes = figure.add_subplot()
    axis = axis_of(choice)
    plain = axis.parameter == "" and not choice.best.parameters  # only beta and M vary
    drawn = series.series_of(choice, axis)
    colours = {line.latents: line.colour for line in drawn}
    one_beta = series.one_beta(choice) if axis.parameter == "" else {}
    x_of = style.LogAxis([axis(row) for row in rows] + list(one_beta.values()))

    for line in drawn:
        _draw_seeds(axes, line.rows, axis, x_of, line.colour)
        _draw_settings(axes, line, axis, x_of, bands=answer is None or not plain)
    _draw_failed(axes, rows, choice, axis, x_of)
    if answer is not None and plain:
        _draw_answer(axes, answer, colours)
    _draw_one_beta(axes, one_beta, colours if plain else {})
    if math.isfinite(choice.chance):
        _draw_chance(axes, choice.chance)
    if not choice.best.finished:
        style.say(axes, "no run finished")
    x_of.apply(axes)
    low, high = axes.get_ylim()
    axes.set_ylim(
        low, high + (high - low) * 0.02 * (len(answer.per_latents) if answer and plain else 0)
    )
    lines_of_labels = _draw_tops(axes, choice, drawn, axis, x_of)
    _draw_own_best(axes, choice, drawn, axis, x_of)
    style.dress(
        axes,
        xlabel=axis.label,
        ylabel=score_name,
    )
    axes.set_title(
        f"{capital(score_name)} against {'normalised β' if axis.parameter == '' else axis.label}",
        loc="left",
        fontsize=12,
        fontweight="bold",
        color=style.INK,
        pad=12 + 14 * lines_of_labels,
    )
    if len(drawn) > 1:
        axes.legend(
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize=9.5,
            labelcolor=style.INK,
            ncols=1 + len(drawn) // 20,
        )
    style.caption(figure, _caption(choice, answer if plain else None))
    return figure


def _draw_seeds(
    axes: Axes, rows: Sequence[RunRow], axis: Axis, x_of: style.LogAxis, colour: str
) -> None:
    finished = [row for row in rows if row.state == "finished"]
    axes.scatter(
        [x_of(axis(row)) for row in finished],
        [row.score for row in finished],
        s=17,
        color=colour,
        alpha=0.65,
        edgecolors="white",
        linewidths=0.5,
        zorder=3.5,
        gid="seeds",
    )


def _draw_settings(
    axes: Axes,
    line: series.SettingSeries,
    axis: Axis,
    x_of: style.LogAxis,
    bands: bool,
) -> None:
    """A line through the settings, with bands.

    0 has its own place next to a logarithmic axis, so no line leads there.
    """
    label, colour, marker = line.label, line.colour, line.marker
    shown = [setting for setting in line.settings if setting.finished]
    on_axis = [setting for setting in shown if axis(setting) > 0]
    beside = [[setting] for setting in shown if axis(setting) == 0]
    for part in [on_axis, *beside] if on_axis else beside:
        x = [x_of(axis(setting)) for setting in part]
        axes.plot(
            x,
            [setting.score for setting in part],
            color=colour,
            marker=marker,
            markersize=7,
            linewidth=1.9,
            markeredgecolor="white",
            markeredgewidth=0.7,
            label=label,
            zorder=3,
            gid="settings",
        )
        label = (
            f"_{label}"  # an underscore keeps further lines of the same colour out of the legend
        )
        if bands:
            low, high = np.transpose([np.quantile(s.scores, (0.25, 0.75)) for s in part])
            axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0, zorder=1.5)


def _draw_failed(
    axes: Axes,
    rows: Sequence[RunRow],
    choice: Choice,
    axis: Axis,
    x_of: style.LogAxis,
) -> None:
    """A red cross per failed seed, at the score it counts as; a number where they coincide."""
    failed = [row for row in rows if row.state == "failed"]
    if not failed:
        return
    y = choice.failed_score if math.isfinite(choice.failed_score) else 0.0
    x = [x_of(axis(row)) for row in failed]
    axes.scatter(
        x,
        [y] * len(x),
        marker="x",
        s=42,
        color=style.FAILED,
        linewidths=1.6,
        zorder=4,
        gid="failed",
    )
    for place, crosses in Counter(x).items():
        if crosses > 1:
            axes.annotate(
                f"×{crosses}",
                (place, y),
                xytext=(6, 4),
                textcoords="offset points",
                fontsize=8.5,
                color=style.FAILED,
            )


def _draw_answer(axes: Axes, answer: "Answer", colours: Mapping[int, str]) -> None:
    """Fitted curves with their bands, and above them a bar for the interval of each best beta."""
    few = len(answer.curves) <= style.MANY
    for size, curve in answer.curves.items():
        colour = colours[size]
        axes.plot(curve.beta_norm, curve.mean, color=colour, linewidth=1, linestyle=":", zorder=2)
        axes.fill_between(
            curve.beta_norm, curve.low, curve.high, color=colour, alpha=0.13, lw=0, zorder=1.5
        )
    for level, (size, best) in enumerate(answer.per_latents.items() if few else ()):
        axes.plot(
            best.interval_norm or (),
            [0.985 - 0.017 * level] * len(best.interval_norm or ()),
            transform=axes.get_xaxis_transform(),
            color=colours[size],
            linewidth=3.5,
            alpha=0.75,
            solid_capstyle="butt",
            zorder=4,
            gid="interval",
        )


def _draw_one_beta(axes: Axes, one_beta: Mapping[int, float], colours: Mapping[int, str]) -> None:
    """Where beta itself is 1, a plain VAE: a dashed line per latent size, or one band for many."""
    if len(one_beta) > style.MANY:
        axes.axvspan(min(one_beta.values()), max(one_beta.values()), color=style.GRID, zorder=0)
        return
    for size, x in one_beta.items():
        colour = colours.get(size, style.QUIET)
        axes.axvline(
            x,
            color=colour,
            linewidth=1.1,
            linestyle=(0, (4, 3)),
            alpha=0.7,
            zorder=1,
            gid="beta=1",
        )
        axes.text(
            x,
            0.015,
            " β = 1",
            transform=axes.get_xaxis_transform(),
            rotation=90,
            ha="right",
            va="bottom",
            fontsize=8.5,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # over the chance line
        )


def _draw_chance(axes: Axes, chance: float) -> None:
    axes.axhline(chance, color=style.QUIET, linewidth=1, linestyle=":", zorder=1, gid="chance")
    axes.annotate(
        "chance",
        (1.0, chance),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=style.QUIET,
    )


def _draw_tops(
    axes: Axes,
    choice: Choice,
    drawn: Sequence[series.SettingSeries],
    axis: Axis,
    x_of: style.LogAxis,
) -> int:
    """A ring at every optimum and its label above the axes; returns the number of label lines."""
    tops = [(line, top) for line in drawn if (top := series.best_of(line, choice)) and top.finished]
    if len(tops) > style.MANY:
        tops = [(line, top) for line, top in tops if top is choice.best]
    axes.scatter(
        [x_of(axis(top)) for _, top in tops],
        [top.score for _, top in tops],
        s=130,
        facecolors="none",
        edgecolors=[line.colour for line, _ in tops],
        linewidths=1.8,
        zorder=5,
        gid="tops",
    )
    low, high = np.log10(x_of.limits)
    ends: list[float] = []  # where the last label of each line ends, as a fraction of the width
    for line_of, top in sorted(tops, key=lambda pair: axis(pair[1])):
        where = named_axis_of(choice).words(top)
        text = f"{line_of.label}: {where}" if line_of.label else where
        place = (np.log10(x_of(axis(top))) - low) / (high - low)
        half = 0.0065 * len(text)
        line = next((i for i, end in enumerate(ends) if end < place - half), len(ends))
        ends[line : line + 1] = [place + half]
        axes.annotate(
            text,
            (x_of(axis(top)), 1.0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 6 + 14 * line),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
            fontweight="bold" if top is choice.best else "normal",
            color=line_of.colour,
            gid="top",
        )
        axes.vlines(
            x_of(axis(top)),
            top.score,
            axes.get_ylim()[1],
            color=line_of.colour,
            linewidth=0.9,
            alpha=0.6,
        )
    return len(ends)


def _draw_own_best(
    axes: Axes,
    choice: Choice,
    drawn: Sequence[series.SettingSeries],
    axis: Axis,
    x_of: style.LogAxis,
) -> None:
    """A dashed ring at the metric's favourite of each line, where another setting is to be used."""
    for line in drawn:
        for own in series.own_best_of(line, choice):
            style.dashed_ring(axes, (x_of(axis(own)), own.score), line.colour)


def _caption(choice: Choice, answer: "Answer | None") -> str:
    half = " (mean of the better half)" if choice.policy == "paper" else ""
    text = f"Dots: seeds. Line: each setting's score{half}. "
    if choice.favourites:
        own = own_best_in_short(choice) or "the metric's favourite, where it differs"
        text += f"Ring: the setting to use on each line; dashed: {own}. "
    else:
        text += "Ring: the setting to use on each line. "
    if answer is None:
        text += "Band: the middle half of the seeds."
    else:
        percent = f"{100 * answer.level:.0f} %"
        text += f"Dotted: fitted mean over seeds, with its {percent} band. "
        text += f"Bars: {percent} intervals of the best β."
    if choice.failed:
        failed = count(choice.failed, "failed seed")
        text += f"\nRed crosses: {failed}, drawn at the score they count as."
    return text
