"""The best betas of several sweeps side by side: one may be scored by Higgins, another by UDR."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evaluation.analysis.answer import Answer
from evaluation.analysis.formatting import number
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.figures import style


def draw(compared: Sequence[tuple[str, Answer]]) -> Figure:
    """A point and a bar per sweep and latent size: its best beta tried, and the beta's interval.

    compared: a name, as shown on the axis, and the answer. The best latent size of a sweep is
    filled, the others are hollow.
    """
    figure = style.new_figure(9.6, 1.6 + 0.55 * sum(len(c.choice.per_latents) for _, c in compared))
    axes = figure.add_subplot()
    sizes = sorted({size for _, c in compared for size in c.choice.per_latents})
    colours, markers = style.colours_of(sizes), style.markers_of(sizes)
    ends = [
        end
        for _, answer in compared
        for setting in answer.choice.per_latents.values()
        for end in (setting.beta, *_interval(answer, setting.latents))
    ]
    x_of = style.LogAxis(ends)
    place, ticks = 0.0, []
    for name, answer in compared:
        first = place
        for setting in answer.choice.per_latents.values():
            look = colours[setting.latents], markers[setting.latents]
            _draw_best(axes, answer, setting, place, x_of, *look)
            place += 1
        ticks.append(((first + place - 1) / 2, name))
        place += 0.6
    x_of.apply(axes)
    style.dress(axes, title="The best β, with its error bar", xlabel="β")
    axes.set_yticks([y for y, _ in ticks], [name for _, name in ticks], color=style.INK)
    axes.set_ylim(place - 0.8, -0.8)  # the first sweep on top
    axes.grid(False, axis="y")
    if len(sizes) <= style.MANY:
        handles = [
            Line2D([], [], linestyle="none", marker=markers[m], color=colours[m], label=f"M = {m}")
            for m in sizes
        ]
        axes.legend(
            handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9.5
        )
    style.caption(
        figure,
        "Bars: 90 % intervals of the best β. Filled: each sweep's best latent size. "
        "?: the scores cannot tell.",
    )
    return figure


def _draw_best(
    axes: Axes,
    answer: Answer,
    setting: SettingSummary,
    place: float,
    x_of: style.LogAxis,
    colour: str,
    marker: str,
) -> None:
    overall = setting is answer.best.setting
    ends = [x_of(end) for end in _interval(answer, setting.latents)]
    axes.plot(
        ends,
        [place] * len(ends),
        color=colour,
        linewidth=5,
        alpha=0.45 if overall else 0.2,
        solid_capstyle="butt",
        gid="interval",
    )
    axes.plot(
        x_of(setting.beta),
        place,
        marker=marker,
        markersize=10,
        markeredgewidth=1.6,
        markeredgecolor=colour,
        markerfacecolor=colour if overall else "white",
        linestyle="none",
        gid="best" if overall else "of its size",
    )
    axes.annotate(
        f"{number(setting.beta)}{_doubt(answer, setting.latents)}",
        (x_of(setting.beta), place),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        fontweight="bold" if overall else "normal",
        color=style.INK,
    )


def _interval(answer: Answer, latents: int) -> tuple[float, ...]:
    return answer.per_latents[latents].interval or ()


def _doubt(answer: Answer, latents: int) -> str:
    return "" if answer.per_latents[latents].verdict == "clear" else " ?"
