"""The learned noise σ², and β σ², against β (troubleshooting paper, Figs. 8 and 9)."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

from evaluation.analysis.formatting import number
from evaluation.analysis.table import RunRow
from evaluation.report.charts.axis import BETA, Axis, axis_of
from evaluation.report.figures import series, style
from evaluation.report.material import Drawn, Lacking, Material


def of_sweep(sweep: Material) -> Drawn:
    """σ² of a pixel in [0, 1] at the left, the normalised β σ² at the right; means and seeds."""
    levels = {row.run: variance(sweep, row) for row in sweep.rows}
    learned = [row for row in sweep.rows if sweep.learned(row).get("variance")]
    if not learned:
        raise Lacking("no run learned a variance of noise (likelihood gaussian_learned does)")
    axis = axis_of(sweep.choice)
    if axis.parameter == "":
        axis = BETA
    lines = series.series_of(sweep.choice, axis)
    x_of = style.LogAxis([axis(row) for row in learned])
    figure = style.new_figure(9.6, 4.2)
    panels = figure.subplots(1, 2)
    shown: tuple[tuple[str, Callable[[RunRow], float]], ...] = (
        ("learned σ² of a pixel", lambda row: levels[row.run]),
        ("β σ²", lambda row: row.beta * levels[row.run]),
    )
    for axes, (label, value) in zip(panels, shown, strict=True):
        for line in lines:
            _draw_line(axes, line, axis, x_of, value)
        style.dress(axes, xlabel=axis.label, ylabel=label)
        axes.set_yscale("log")
        drawn = [y for each in axes.lines for y in np.asarray(each.get_ydata(), float) if y > 0]
        style.plain_log_ticks(axes.yaxis, min(drawn), max(drawn), most=30)
        x_of.apply(axes, narrow=True)
    panels[0].set_title("Learned noise", loc="left", fontsize=12, fontweight="bold",
                        color=style.INK, pad=10)  # fmt: skip
    if 1 < len(lines) <= style.MANY:
        panels[0].legend(frameon=False, fontsize=9, labelcolor=style.INK)
    style.caption(figure, "Lines: means over seeds. Dots: seeds. A β-VAE with a fixed σ² is a VAE "
                  "with noise β σ² (Sec. 7.2.1).")  # fmt: skip
    return Drawn(figure, "Learned noise", _finding(learned, levels))


def variance(sweep: Material, row: RunRow) -> float:
    """σ² of a pixel's noise, learned or given; for a mixture the mean. nan if there is none."""
    learned = sweep.learned(row)
    level, weight = learned.get("variance"), learned.get("weight")
    if level is None and row.state != "failed":
        choices = {**row.shared, **row.parameters}
        if choices.get("likelihood") == "gaussian":
            level = choices.get("likelihood_options.variance", 1.0)
    try:
        levels = np.atleast_1d(np.asarray(level, float))
        return float(np.average(levels, weights=weight))
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan  # a damaged record: one point fewer


def _draw_line(
    axes: Axes,
    line: series.SettingSeries,
    axis: Axis,
    x_of: style.LogAxis,
    value: Callable[[RunRow], float],
) -> None:
    points = []
    for setting in line.settings:
        known = [v for row in setting.rows if math.isfinite(v := value(row)) and v > 0]
        place = x_of(axis(setting))
        axes.scatter([place] * len(known), known, s=14, color=line.colour, alpha=0.5,
                     linewidths=0, gid="seeds")  # fmt: skip
        if known:
            points.append((place, float(np.mean(known))))
    if points:
        axes.plot(*zip(*points, strict=True), color=line.colour, marker=line.marker, linewidth=1.5,
                  markersize=6, markeredgecolor="white", markeredgewidth=0.6, label=line.label,
                  gid="settings")  # fmt: skip


def _finding(rows: Sequence[RunRow], levels: dict[str, float]) -> str:
    ends = [min(rows, key=lambda row: row.beta), max(rows, key=lambda row: row.beta)]
    said = " and ".join(
        f"{number(levels[row.run])} at β = {number(row.beta)} (β σ² = "
        f"{number(row.beta * levels[row.run])})"
        for row in (ends if ends[0].beta < ends[1].beta else ends[:1])
    )
    return f"The learned variance of a pixel is {said}."
