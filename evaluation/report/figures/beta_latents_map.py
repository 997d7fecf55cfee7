"""Score as colour over latent size and normalised beta, for grids and scattered settings."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow
from evaluation.report.charts.axis import Axis, axis_of
from evaluation.report.charts.captions import of_map, own_best_in_short
from evaluation.report.figures import series, style
from evaluation.report.material import Drawn, Material

REACH = (
    0.22  # decades of beta_norm to either side that a lone setting colours; beyond is left blank
)
DENSE = 200  # cells in a row from which white edges would hide them
ROW = 0.84  # height of a row of cells; the rest is empty


def of_sweep(sweep: Material) -> Drawn:
    """The figure of a sweep, as `draw`."""
    figure = draw(sweep.rows, sweep.choice, score_name=sweep.score_name)
    return Drawn(figure, "The whole sweep at a glance", of_map(sweep.choice, sweep.score_name))


def draw(rows: Sequence[RunRow], choice: Choice, *, score_name: str = "score") -> Figure:
    """A row per latent size, and per other choice where one varies, such as an objective.

    Every setting colours the area half-way to its neighbours.

    Blank areas were not tried. A star marks the best setting, a dot the best of each row, a white
    tick beta = 1. The axis is beta_norm or, where beta does not vary, whatever does.
    """
    lines = series.series_of(choice, axis_of(choice))
    figure = style.new_figure(9.6, height(len(lines)))
    draw_on(figure.add_subplot(), rows, choice, score_name=score_name)
    text = f"{what_the_marks_are(choice, len(lines))} Blank: not tried."
    unfinished = not all(setting.finished for setting in choice.settings)
    style.caption(figure, text + (" Red cross: no seed finished." if unfinished else ""))
    return figure


def height(rows: int) -> float:
    """The height of a map of this many rows, in inches."""
    return 2.1 + 0.62 * min(rows, 14)


def what_the_marks_are(choice: Choice, rows: int) -> str:
    """The meaning of the star and the other marks on a map of so many rows, in sentences."""
    tick = " White tick: β = 1." if axis_of(choice).parameter == "" else ""
    if choice.favourites:
        own = own_best_in_short(choice) or "the metric's favourite, where it differs"
        dot = "; dot: the one of each other row" if rows > 1 else ""
        return f"Star: the setting to use{dot}. Diamond: {own}.{tick}"
    dot = " Dot: best of each other row." if rows > 1 else ""
    return f"Star: best setting.{dot}{tick}"


def draw_on(
    axes: Axes, rows: Sequence[RunRow], choice: Choice, *, score_name: str = "score"
) -> Callable[[SettingSummary], tuple[float, float]]:
    """Draws the map on axes of any figure; returns each setting's position in them."""
    axis = axis_of(choice)
    lines = series.series_of(choice, axis)
    one_beta = series.one_beta(choice) if axis.parameter == "" else {}
    x_of = style.LogAxis([axis(row) for row in rows] + list(one_beta.values()))
    scale = _colour_scale(choice)
    ends = []
    for level, line in enumerate(lines):
        ends += _draw_row(axes, line.settings, level, axis, x_of, scale)
    _draw_marks(axes, choice, lines, one_beta, axis, x_of)

    x_of.apply(axes)
    low, high = x_of.limits
    axes.set_xlim(min(low, *ends) / 1.05, max(high, *ends) * 1.05)
    axes.set_ylim(-0.6, len(lines) - 0.4)
    plain = all(line.label == f"M = {line.latents}" for line in lines)
    labels = [str(line.latents) if plain else line.label for line in lines]
    axes.set_yticks(range(len(lines)), labels)
    style.dress(
        axes,
        title=f"{capital(score_name)} over "
        + (
            "latent size and normalised β" if plain and axis.parameter == "" else "the search space"
        ),
        xlabel=axis.label,
        ylabel="latents M" if plain else "",
    )
    axes.grid(False)
    style.colour_bar(axes, scale, score_name)
    levels = {id(s): level for level, line in enumerate(lines) for s in line.settings}
    return lambda setting: (x_of(axis(setting)), float(levels[id(setting)]))


def _colour_scale(choice: Choice) -> ScalarMappable:
    scores = [setting.score for setting in choice.settings if math.isfinite(setting.score)]
    low, high = min(scores, default=0.0), max(scores, default=1.0)
    if low == high:
        low, high = low - 0.05, high + 0.05
    return ScalarMappable(Normalize(low, high), colormaps[style.SCORE_MAP])


def _draw_row(
    axes: Axes,
    settings: Sequence[SettingSummary],
    level: int,
    axis: Axis,
    x_of: style.LogAxis,
    scale: ScalarMappable,
) -> list[float]:
    """The cells of one row. Returns their left and right edges."""
    at = {x_of(axis(setting)): setting for setting in settings}
    places = sorted(at)
    cells = cell_edges(places)
    spans = [math.log10(right / left) for left, right in cells]
    width = math.log10(x_of.limits[1] / x_of.limits[0])
    low, high = scale.get_clim()
    decimals = 2 if high - low > 0.02 else 4  # of scores that nearly agree
    scores = [at[place].score for place in places]
    colours = style.colours_at(scale, scores)
    dense = len(cells) > DENSE
    patches = []
    for (left, right), span, score, on_scale in zip(cells, spans, scores, colours, strict=True):
        colour = on_scale if math.isfinite(score) else style.GRID
        patches.append(
            Rectangle(
                (left, level - ROW / 2),
                right - left,
                ROW,
                facecolor=colour,
                edgecolor=colour if dense else "white",
                lw=0.3 if dense else 1,
            )
        )
        if span / width > 0.055 and math.isfinite(score):
            axes.text(
                math.sqrt(left * right),
                level - 0.25,
                f"{score:.{decimals}f}",
                ha="center",
                va="center",
                fontsize=8.5,
                color=_readable_on(colour),
                clip_on=True,
            )
    if dense:
        axes.add_collection(PatchCollection(patches, match_original=True), autolim=False)
    else:
        for patch in patches:
            axes.add_patch(patch)
    return [edge for cell in cells for edge in cell]


def cell_edges(places: Sequence[float]) -> list[tuple[float, float]]:
    """(left, right) of the cell of each place: half-way to its neighbours in log, at most REACH.

    places: ascending, above 0. The first and last cells extend equally to both sides.
    """
    logs = np.log10(places)
    gaps = np.minimum(np.diff(logs) / 2, REACH)
    inner = gaps if len(gaps) else np.array([REACH])
    lefts = np.concatenate([inner[:1], gaps])
    rights = np.concatenate([gaps, inner[-1:]])
    return [(10 ** (x - a), 10 ** (x + b)) for x, a, b in zip(logs, lefts, rights, strict=True)]


def _draw_marks(
    axes: Axes,
    choice: Choice,
    lines: Sequence[series.SettingSeries],
    one_beta: dict[int, float],
    axis: Axis,
    x_of: style.LogAxis,
) -> None:
    for level, line in enumerate(lines):
        place = one_beta.get(line.latents)
        if place is None:
            continue
        low, high = level + 0.18, level + ROW / 2
        axes.vlines(place, low, high, color=style.INK, lw=3.2, zorder=3)
        axes.vlines(place, low, high, color="white", lw=1.6, zorder=3)
    for level, line in enumerate(lines):
        top = series.best_of(line, choice)
        if top is None or not top.finished:
            continue
        spot = (x_of(axis(top)), level + 0.12)
        if top is choice.best:
            _mark(axes, spot, "*", 230, "best")
        else:
            _mark(axes, spot, "o", 60, "top")
    for level, line in enumerate(lines):
        for own in series.own_best_of(line, choice):
            _mark(axes, (x_of(axis(own)), level + 0.12), "D", 64, "own best")
    for level, line in enumerate(lines):
        for setting in (s for s in line.settings if not s.finished):
            axes.scatter(
                x_of(axis(setting)),
                level + 0.12,
                marker="x",
                s=46,
                color=style.FAILED,
                linewidths=2,
                zorder=4,
                gid="failed",
            )


def _readable_on(colour: str) -> str:
    """Dark or white, whichever contrasts with a background (luma of ITU-R BT.709)."""
    red, green, blue = to_rgb(colour)
    return style.INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 else "white"


def _mark(axes: Axes, place: tuple[float, float], marker: str, size: float, gid: str) -> None:
    """A white mark with a dark edge."""
    axes.scatter(*place, marker=marker, s=size, facecolors="white", edgecolors=style.INK,
                 linewidths=1, zorder=4, gid=gid)  # fmt: skip
