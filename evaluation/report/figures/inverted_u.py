"""The inverted U: score against normalised beta for every M (Higgins et al. 2017, Fig. 5 right)."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.analysis.choose import Choice, SettingSummary
from evaluation.analysis.formatting import capital, count, number
from evaluation.analysis.table import RunRow
from evaluation.report.figures import series, style

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer


def draw(
    rows: Sequence[RunRow],
    choice: Choice,
    answer: "Answer | None" = None,
    *,
    score_name: str = "score",
) -> Figure:
    """Every seed a dot, every setting a point on a line, every latent size a colour; tops ringed.

    Lines join settings that differ in beta alone. The band holds the middle half of a setting's
    seeds, or the interval of the fitted curve when an `answer` is given; its intervals of the best
    beta are bars at the top. Failed seeds are red crosses.
    """
    figure = style.new_figure(9.6, 5.6)
    axes = figure.add_subplot()
    sizes = sorted(choice.per_latents)
    colours, markers = style.colours_of(sizes), style.markers_of(sizes)
    one_beta = series.one_beta(choice)
    x_of = style.LogAxis([row.beta_norm for row in rows] + list(one_beta.values()))

    for size in sizes:
        _draw_seeds(axes, [row for row in rows if row.latents == size], x_of, colours[size])
        settings = [setting for setting in choice.settings if setting.latents == size]
        _draw_settings(axes, settings, x_of, colours[size], markers[size], bands=answer is None)
    _draw_failed(axes, rows, choice, x_of)
    if answer is not None:
        _draw_answer(axes, answer, colours)
    _draw_one_beta(axes, one_beta, colours)
    if math.isfinite(choice.chance):
        _draw_chance(axes, choice.chance)
    if not choice.best.finished:
        style.say(axes, "no run finished")
    x_of.apply(axes)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (high - low) * 0.02 * (len(answer.per_latents) if answer else 0))
    lines_of_labels = _draw_tops(axes, choice, colours, x_of)
    style.dress(
        axes,
        xlabel=style.BETA_NORM_LABEL,
        ylabel=score_name,
    )
    axes.set_title(
        f"{capital(score_name)} against normalised β",
        loc="left",
        fontsize=12,
        fontweight="bold",
        color=style.INK,
        pad=12 + 14 * lines_of_labels,
    )
    if len(sizes) > 1:
        axes.legend(
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize=9.5,
            labelcolor=style.INK,
            ncols=1 + len(sizes) // 20,
        )
    style.caption(figure, _caption(choice, answer))
    return figure


def _draw_seeds(axes: Axes, rows: Sequence[RunRow], x_of: style.LogAxis, colour: str) -> None:
    finished = [row for row in rows if row.state == "finished"]
    axes.scatter(
        [x_of(row.beta_norm) for row in finished],
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
    settings: Sequence[SettingSummary],
    x_of: style.LogAxis,
    colour: str,
    marker: str,
    bands: bool,
) -> None:
    """Lines through the settings of one latent size that differ in beta alone, with bands.

    beta = 0 has a place of its own beside the axis, so no line leads there.
    """
    label = f"M = {settings[0].latents}"
    on_axis = [setting for setting in settings if setting.beta > 0]
    beside = [[setting] for setting in settings if setting.beta == 0 and setting.finished]
    for line in series.lines(on_axis) + beside:
        x = [x_of(setting.beta_norm) for setting in line]
        axes.plot(
            x,
            [setting.score for setting in line],
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
            low, high = np.transpose([np.quantile(s.scores, (0.25, 0.75)) for s in line])
            axes.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0, zorder=1.5)


def _draw_failed(axes: Axes, rows: Sequence[RunRow], choice: Choice, x_of: style.LogAxis) -> None:
    """A red cross a failed seed, at the score it counts as; a number where they coincide."""
    failed = [row for row in rows if row.state == "failed"]
    if not failed:
        return
    y = choice.failed_score if math.isfinite(choice.failed_score) else 0.0
    x = [x_of(row.beta_norm) for row in failed]
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
    """Where beta itself is 1, the plain VAE: a dashed line a latent size, or one band for many."""
    if len(one_beta) > style.MANY:
        axes.axvspan(min(one_beta.values()), max(one_beta.values()), color=style.GRID, zorder=0)
        return
    for size, x in one_beta.items():
        axes.axvline(
            x,
            color=colours[size],
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
            color=colours[size],
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


def _draw_tops(axes: Axes, choice: Choice, colours: Mapping[int, str], x_of: style.LogAxis) -> int:
    """A ring at every optimum and its beta above the axes; the number of lines the labels take."""
    tops = [top for top in choice.per_latents.values() if top.finished]
    if len(tops) > style.MANY:
        tops = [choice.best]
    axes.scatter(
        [x_of(top.beta_norm) for top in tops],
        [top.score for top in tops],
        s=130,
        facecolors="none",
        edgecolors=[colours[top.latents] for top in tops],
        linewidths=1.8,
        zorder=5,
        gid="tops",
    )
    low, high = np.log10(x_of.limits)
    ends: list[float] = []  # where the last label of each line ends, as a share of the width
    for top in sorted(tops, key=lambda top: top.beta_norm):
        text = f"M = {top.latents}: β = {number(top.beta)}"
        place = (np.log10(x_of(top.beta_norm)) - low) / (high - low)
        half = 0.0065 * len(text)
        line = next((i for i, end in enumerate(ends) if end < place - half), len(ends))
        ends[line : line + 1] = [place + half]
        axes.annotate(
            text,
            (x_of(top.beta_norm), 1.0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 6 + 14 * line),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
            fontweight="bold" if top is choice.best else "normal",
            color=colours[top.latents],
            gid="top",
        )
        axes.vlines(
            x_of(top.beta_norm),
            top.score,
            axes.get_ylim()[1],
            color=colours[top.latents],
            linewidth=0.9,
            alpha=0.6,
        )
    return len(ends)


def _caption(choice: Choice, answer: "Answer | None") -> str:
    text = "Dots: seeds. Line: score of a setting. Ring: best β of each M. "
    if answer is None:
        text += "Band: the middle half of the seeds."
    else:
        percent = f"{100 * answer.level:.0f} %"
        text += f"Dotted, band: fitted mean over seeds, {percent}. "
        text += f"Bars: {percent} intervals of the best β."
    if choice.failed:
        failed = count(choice.failed, "failed seed")
        text += f"\nRed crosses: {failed}, at the score they count as."
    return text
