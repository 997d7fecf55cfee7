"""The common style of all figures, set on each figure itself so that threads share no state."""

import io
from collections.abc import Iterable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    NullFormatter,
    NullLocator,
    ScalarFormatter,
)

from evaluation.analysis.formatting import number
from trainer.live_latents import LIVE

DPI = 170
INK, QUIET, GRID, FAILED = "#22272e", "#6b7280", "#e5e7eb", "#c1121f"
SCORE_MAP = "cividis"  # readable with colour vision deficiency
LOG_MAP = "viridis"
AT_ZERO = "#9ca3af"
SHORT = 3  # characters of a colour bar's label that fit above it, apart from other axes' labels

# Okabe & Ito's palette, blue and vermillion first; each colour also has its own marker
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b4c9a", "#22272e")
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "p")
BLUE = _COLOURS[0]
MANY = len(_COLOURS)  # above this many latent sizes, colours come from one map and labels thin out


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of `width` x `height` inches, drawn without pyplot."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as the content of a PNG file."""
    return content(figure, "png")


def content(figure: Figure, kind: str) -> bytes:
    """The figure as the content of a png, svg or pdf file. The same figure gives the same file."""
    if (layout := figure.get_layout_engine()) is not None:
        layout.execute(figure)  # once; `savefig` would draw everything a second time for this
        figure.set_layout_engine("none")
    buffer = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "beta-sweep"}):
        figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def dress(axes: Axes, *, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    """Title, labels, a light grid and no box."""
    axes.set_title(title, loc="left", fontsize=12, color=INK, pad=10, fontweight="bold")
    axes.set_xlabel(xlabel, fontsize=10.5, color=INK, labelpad=6)
    axes.set_ylabel(ylabel, fontsize=10.5, color=INK, labelpad=6)
    axes.tick_params(labelsize=9.5, colors=QUIET, length=3, which="both")
    axes.grid(True, which="major", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#9ca3af")
    for axis in (axes.xaxis, axes.yaxis):  # whole numbers at the ticks, not "+5.6e3" beside them
        if isinstance(formatter := axis.get_major_formatter(), ScalarFormatter):
            formatter.set_useOffset(False)


def caption(figure: Figure, text: str) -> Text:
    """A small line below the axes that says how to read the figure."""
    return figure.supxlabel(text, fontsize=8.8, color=QUIET, x=0.01, ha="left", wrap=True)


def say(axes: Axes, text: str) -> None:
    """A sentence in the middle of axes that have nothing to show."""
    axes.text(
        0.5, 0.6, text, transform=axes.transAxes, ha="center", va="center", fontsize=12, color=QUIET
    )
    axes.set_yticks([])


def dashed_ring(axes: Axes, place: tuple[float, float], colour: str = INK) -> None:
    """A ring around the metric's favourite setting, where another one is recommended."""
    axes.scatter(*place, s=190, facecolors="none", edgecolors=colour, linewidths=1.3,
                 linestyles=[(0, (3, 2))], zorder=5, gid="own best")  # fmt: skip


def grey_dead(axes: Axes, kl: Iterable[float]) -> None:
    """Greys the labels of the rows whose latents, by their KL in nats, are not live."""
    for label, nats in zip(axes.get_yticklabels(), kl, strict=False):  # others may follow
        label.set_color(INK if nats > LIVE else "#9ca3af")


def colours_of(latents: Iterable[int]) -> dict[int, str]:
    """A colour for each latent size: distinct ones for few, one colour map in order for many."""
    sizes = sorted(set(latents))
    if len(sizes) <= MANY:
        return dict(zip(sizes, _COLOURS, strict=False))
    ramp = matplotlib.colormaps[LOG_MAP]
    return {size: to_hex(ramp(0.95 * i / (len(sizes) - 1))) for i, size in enumerate(sizes)}


def markers_of(latents: Iterable[int]) -> dict[int, str]:
    """A marker per latent size, so that nothing relies only on colour."""
    return {size: _MARKERS[i % MANY] for i, size in enumerate(sorted(set(latents)))}


def log_scale(values: Sequence[float]) -> ScalarMappable:
    """Colours by the logarithm of beta or of another swept number; grey for 0."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    if low == high:
        low, high = low / 2, high * 2
    ramp = matplotlib.colormaps[LOG_MAP].with_extremes(bad=AT_ZERO, under=AT_ZERO)
    return ScalarMappable(LogNorm(low, high), ramp)


def grey_note(values: Iterable[float], name: str) -> str:
    """What grey means in a figure coloured by `log_scale`, as a sentence to add, or ""."""
    return f" Grey: {name} = 0." if 0 in set(values) else ""


def colour_bar(axes: Axes, scale: ScalarMappable, label: str) -> Colorbar:
    """A slim bar next to `axes` that explains its colours."""
    bar = axes.figure.colorbar(scale, ax=axes, pad=0.015, aspect=30)
    if len(label) <= SHORT:
        bar.ax.set_title(label, fontsize=10.5, color=INK, pad=6)
    else:
        bar.set_label(label, fontsize=10.5, color=INK)
    bar.ax.tick_params(labelsize=9, colors=QUIET, which="both")
    bar.outline.set_visible(False)
    return bar


def colour_at(scale: ScalarMappable, value: float) -> str:
    """The colour of `value` on a colour scale."""
    return colours_at(scale, [value])[0]


def colours_at(scale: ScalarMappable, values: Sequence[float]) -> list[str]:
    """As `colour_at`, of many values at once."""
    return [to_hex(colour) for colour in scale.to_rgba(np.array(values, dtype=float))]


class LogAxis:
    """Positions on a logarithmic axis for values of 0 or more; 0 is set apart on the left."""

    def __init__(self, values: Sequence[float]):
        positive = [value for value in values if value > 0]
        self.has_zero = len(positive) < len(values)
        self.zero = min(positive, default=1.0) / 4
        low = self.zero if self.has_zero else min(positive, default=0.1)
        high = max(positive, default=1.0)
        margin = max((high / low) ** 0.05, 1.3)
        self.limits = (low / margin, high * margin)

    def __call__(self, value: float) -> float:
        """The position of `value`, in the units of the axis."""
        return value if value > 0 else self.zero

    def apply(self, axes: Axes, narrow: bool = False) -> None:
        """Makes the x axis of `axes` logarithmic, with plain numbers at its ticks.

        narrow: fewer of them, in a small panel.
        """
        axes.set_xscale("log")
        axes.set_xlim(*self.limits)
        plain_log_ticks(axes.xaxis, *self.limits, most=25 if narrow else 300)
        if self.has_zero:
            self._tick_zero(axes.xaxis)

    def _tick_zero(self, axis: Axis) -> None:
        """A tick for β = 0 at its position, without logarithmic ticks near it."""
        others = [tick for tick in axis.get_majorticklocs() if tick > 2 * self.zero]
        axis.set_major_locator(FixedLocator([self.zero, *others]))
        axis.set_major_formatter(
            FuncFormatter(lambda value, _: "β = 0" if value == self.zero else number(value))
        )
        axis.set_minor_locator(NullLocator())


def plain_log_ticks(axis: Axis, low: float, high: float, most: float = 300) -> None:
    """Ticks of a logarithmic axis as plain numbers: only decades from a range of `most` on."""
    steps = (1.0,) if high / low > most else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_formatter(NullFormatter())
