"""Regret against runs: how far below the best the chosen setting is, as a search goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.search.replay import EVERY, Replay

LEAST = 2e-4  # of a logarithmic axis, which has no 0


def plot_regret(curves: Mapping[str, Mapping[str, Sequence[Replay]]], path: Path) -> None:
    """Draws one panel per table, one curve per way: the mean true loss after so many runs."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = {name: ways for name, ways in curves.items() if any(ways.values())}
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(5.2 * columns, 3.2 * rows), squeeze=False, layout="constrained"
    )
    names = list(dict.fromkeys(way for ways in shown.values() for way in ways))
    for panel, (table, ways) in zip(axes.flat, shown.items(), strict=False):
        for way, replays in ways.items():
            if not replays:
                continue
            at = np.arange(EVERY, max(int(r.runs[-1]) for r in replays) + 1, EVERY)
            loss = np.mean([r.loss_at(at) for r in replays], axis=0)
            colour = plt.get_cmap("tab20")(names.index(way))
            panel.plot(at, np.maximum(loss, LEAST), label=way, color=colour, linewidth=1.5)
        panel.axhline(0.01, color="0.6", linewidth=0.8, linestyle=":")
        panel.set(title=table, xlabel="runs", ylabel="below the best", yscale="log", xscale="log")
    for panel in axes.flat[len(shown) :]:
        panel.set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize="small")
    figure.savefig(path, dpi=110)
    plt.close(figure)
