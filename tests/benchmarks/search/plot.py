"""Searches as curves: how often the setting chosen so far is right, and how far below the best."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.search.replay import EVERY, Replay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# searches with one seed per setting are left out: they never come near
STYLES = {
    "race + surface": ("race + surface (method: surface)", "#c0392b", "-", 2.6),
    "race": ("race over the grid", "#e08e79", "-", 1.8),
    "ASHA over seeds": ("ASHA over seeds", "#1f5fa8", "-", 1.8),
    "TPE, 10 seeds": ("TPE, 10 seeds", "#2e8b57", "-", 1.5),
    "GP, 10 seeds": ("GP, 10 seeds", "#8fbf6a", "-", 1.5),
    "random, 10 seeds": ("random order, 10 seeds", "#8a8a8a", "-", 1.5),
    "grid, 10 seeds": ("grid, 10 seeds", "#8a8a8a", ":", 1.5),
}
TITLES = {"real": "real scores: 840 models", "drawn": "simulated: a new curve in each search"}
TICKS = (10, 20, 40, 80, 160, 320, 560)
LOSS_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
WITHIN, TENTH = 0.01, 56

Curves = Mapping[str, Mapping[str, Sequence[Replay]]]  # by table and way


def plot_regret(curves: Curves, path: Path) -> None:
    """Draws one row per table: the share of searches that are right, and the mean loss.

    Of several tables, those in TITLES.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name in TITLES if name in curves] or list(curves)
    shown = {name: curves[name] for name in names if any(map(curves[name].get, STYLES))}
    figure, axes = plt.subplots(
        *(len(shown), 2), figsize=(10.5, 3.6 * len(shown) + 0.8), squeeze=False, sharex=True,
        layout="constrained",
    )  # fmt: skip
    for row, (table, ways) in zip(axes, shown.items(), strict=True):
        for way, style in STYLES.items():
            if ways.get(way):
                _draw(row, ways[way], *style)
        _label(row, TITLES.get(table, f"simulated: {table}"))
    for panel in axes[-1]:
        panel.set_xlabel("models trained")
    lines = {line.get_label(): line for panel in axes[:, 0] for line in panel.get_lines()}
    order = [style[0] for style in STYLES.values() if style[0] in lines]
    figure.legend(
        [lines[n] for n in order], order, loc="outside lower center", ncols=4, frameon=False
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw(
    row: Sequence["Axes"],
    replays: Sequence[Replay],
    label: str,
    colour: str,
    dashes: str,
    width: float,
) -> None:
    """One search in both panels, up to where the average search has ended."""
    end = max(float(np.mean([replay.runs[-1] for replay in replays])), 2 * EVERY)
    at = np.arange(EVERY, end + 1, EVERY)
    losses = np.array([replay.loss_at(at) for replay in replays])
    style = {"color": colour, "linestyle": dashes, "linewidth": width, "label": label}
    for panel, values in zip(
        row, ((losses <= WITHIN).mean(axis=0), losses.mean(axis=0)), strict=True
    ):
        panel.plot(at, values, **style)


def _label(row: Sequence["Axes"], title: str) -> None:
    right, loss = row
    for panel in row:
        panel.set(xscale="log", xlim=(8, 600))
        panel.set_xticks(TICKS, map(str, TICKS))
        panel.minorticks_off()
        panel.grid(color="0.92", linewidth=0.8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.axvline(TENTH, color="0.55", linewidth=0.9, linestyle="--", zorder=0)
    right.set(ylim=(0, 1.02), ylabel="chosen setting within 0.01 of the best")
    right.set_yticks((0, 0.25, 0.5, 0.75, 0.95), ("0", "25 %", "50 %", "75 %", "95 %"))
    right.set_title(title, loc="left", fontsize="medium", fontweight="bold")
    right.annotate(
        "a tenth of\nthe grid", (TENTH, 0.03), (4, 0), textcoords="offset points",
        fontsize="small", color="0.4",
    )  # fmt: skip
    loss.set(yscale="log", ylim=(0.0008, 0.4), ylabel="mean score lost by the choice")
    loss.set_yticks(LOSS_TICKS, [f"{tick:g}" for tick in LOSS_TICKS])
    loss.minorticks_off()
