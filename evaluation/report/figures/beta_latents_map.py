"""Score as colour over latent size and normalised beta, for grids and scattered settings."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from evaluation.analysis.choose import Choice, SettingSummary
from evaluation.analysis.formatting import capital
from evaluation.analysis.table import RunRow
from evaluation.report.figures import series, style

REACH = (
    0.22  # decades of beta_norm to either side that a lone setting colours; beyond is left blank
)
ROW = 0.84  # height of a row of cells; the rest is air


def draw(rows: Sequence[RunRow], choice: Choice, *, score_name: str = "score") -> Figure:
    """A row a latent size; every setting colours the ground half-way to its neighbours.

    Blank ground was not tried. A star marks the best setting, a dot the best of each row, a white
    tick beta = 1. Where settings share latents and beta, the best of them is shown.
    """
    sizes = sorted(choice.per_latents)
    figure = style.new_figure(9.6, 2.1 + 0.62 * min(len(sizes), 14))
    axes = figure.add_subplot()
    one_beta = series.one_beta(choice)
    x_of = style.LogAxis([row.beta_norm for row in rows] + list(one_beta.values()))
    scale = _colour_scale(choice)
    for level, size in enumerate(sizes):
        settings = [setting for setting in choice.settings if setting.latents == size]
        _draw_row(axes, settings, level, x_of, scale)
    _draw_marks(axes, choice, sizes, one_beta, x_of)

    x_of.apply(axes)
    axes.set_ylim(-0.6, len(sizes) - 0.4)
    axes.set_yticks(range(len(sizes)), [str(size) for size in sizes])
    style.dress(
        axes,
        title=f"{capital(score_name)} over latent size and normalised β",
        xlabel=style.BETA_NORM_LABEL,
        ylabel="latents M",
    )
    axes.grid(False)
    style.colour_bar(figure, axes, scale, score_name)
    style.caption(
        figure,
        "Star: best setting. Dot: best β of each M. White tick: β = 1. Blank: not tried."
        + (" Red cross: no seed finished." if _any_unfinished(choice) else ""),
    )
    return figure


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
    x_of: style.LogAxis,
    scale: ScalarMappable,
) -> None:
    """Cells of one latent size; `settings` come best first, so the best of equals is kept."""
    best: dict[float, SettingSummary] = {}
    for setting in settings:
        best.setdefault(x_of(setting.beta_norm), setting)
    places = sorted(best)
    cells = cell_edges(places)
    spans = [math.log10(right / left) for left, right in cells]
    width = math.log10(x_of.limits[1] / x_of.limits[0])
    for place, (left, right), span in zip(places, cells, spans, strict=True):
        score = best[place].score
        colour = style.colour_at(scale, score) if math.isfinite(score) else style.GRID
        axes.add_patch(
            Rectangle(
                (left, level - ROW / 2),
                right - left,
                ROW,
                facecolor=colour,
                edgecolor="white",
                lw=1,
            )
        )
        if span / width > 0.055 and math.isfinite(score):
            axes.text(
                math.sqrt(left * right),
                level - 0.25,
                f"{score:.2f}",
                ha="center",
                va="center",
                fontsize=8.5,
                color=_readable_on(colour),
                clip_on=True,
            )


def cell_edges(places: Sequence[float]) -> list[tuple[float, float]]:
    """(left, right) of the cell of each place: half-way to its neighbours in log, at most REACH.

    places: ascending, above 0. The first and last cell reach out as far as they reach in.
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
    sizes: Sequence[int],
    one_beta: dict[int, float],
    x_of: style.LogAxis,
) -> None:
    level = {size: i for i, size in enumerate(sizes)}
    for size, place in one_beta.items():
        low, high = level[size] + 0.18, level[size] + ROW / 2
        axes.vlines(place, low, high, color=style.INK, lw=3.2, zorder=3)
        axes.vlines(place, low, high, color="white", lw=1.6, zorder=3)
    for top in choice.per_latents.values():
        if not top.finished:
            continue
        star = top is choice.best
        axes.scatter(
            x_of(top.beta_norm),
            level[top.latents] + 0.12,
            marker="*" if star else "o",
            s=230 if star else 60,
            facecolors="white",
            edgecolors=style.INK,
            linewidths=1,
            zorder=4,
            gid="best" if star else "top",
        )
    for setting in choice.settings:
        if not setting.finished:
            axes.scatter(
                x_of(setting.beta_norm),
                level[setting.latents] + 0.12,
                marker="x",
                s=46,
                color=style.FAILED,
                linewidths=2,
                zorder=4,
                gid="failed",
            )


def _any_unfinished(choice: Choice) -> bool:
    return not all(setting.finished for setting in choice.settings)


def _readable_on(colour: str) -> str:
    """Ink or white, whichever stands out on a background (luma of ITU-R BT.709)."""
    red, green, blue = to_rgb(colour)
    return style.INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 else "white"
