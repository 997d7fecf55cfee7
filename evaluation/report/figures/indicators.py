"""The troubleshooting paper's indicators against the swept parameter (Figs. 4 to 6, 8 to 11)."""

from collections.abc import Callable

import numpy as np
from matplotlib.ticker import MaxNLocator

from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.charts.axis import axis_of
from evaluation.report.charts.captions import name_of_best
from evaluation.report.figures import series, style
from evaluation.report.figures.noise import variance
from evaluation.report.material import Drawn, Lacking, Material

PANELS = {
    "information": "I(x; z), nats",
    "aggregate_kl": "KL(q(z) ‖ p(z)), nats",
    "evlb": "EVLB, nats per image",
    "used": "used latents",
    "normal_variance": "latents with normal variance",
    "reconstruction": "log p(x|z), nats per image",
}
COUNTS = ("used", "normal_variance")  # of latents


def of_sweep(sweep: Material) -> Drawn:
    """A panel per indicator: means over seeds with standard errors, a dot per seed.

    Along β σ², the paper's normalised variance, where the noise is Gaussian; else along the swept
    parameter.
    """
    if not any(sweep.measured(row, "indicators") for row in sweep.rows):
        raise Lacking("the indicators were not computed: add `indicators: {}` under `evaluation`")
    axis = axis_of(sweep.choice)
    lines = series.series_of(sweep.choice, axis)
    place, what = _normalised(sweep) or (axis, axis.label)
    x_of = style.LogAxis([place(setting) for line in lines for setting in line.settings])
    figure = style.new_figure(9.6, 5.4)
    for panel, (key, label) in zip(figure.subplots(2, 3).ravel(), PANELS.items(), strict=True):
        for line in lines:
            points = []
            for setting in line.settings:
                found = [_value(sweep, row, key) for row in setting.rows]
                known = [value for value in found if value is not None]
                panel.scatter([x_of(place(setting))] * len(known), known, s=10, color=line.colour,
                              alpha=0.5, linewidths=0)  # fmt: skip
                if known:
                    error = np.std(known, ddof=1) / len(known) ** 0.5 if len(known) > 1 else 0.0
                    points.append((x_of(place(setting)), float(np.mean(known)), error))
            if points:
                x, y, errors = zip(*points, strict=True)
                panel.errorbar(x, y, yerr=errors, color=line.colour, marker=line.marker,
                               markersize=4.5, linewidth=1.3, elinewidth=1,
                               label=line.label)  # fmt: skip
        style.dress(panel, ylabel=label)
        if key in COUNTS:
            panel.set_ylim(
                bottom=-0.05 * max(1.0, panel.get_ylim()[1]), top=max(1.05, panel.get_ylim()[1])
            )
            panel.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        x_of.apply(panel, narrow=True)
        panel.set_xlabel(what if panel.get_subplotspec().is_last_row() else "", fontsize=9.5)
    if 1 < len(lines) <= style.MANY:
        figure.axes[0].legend(frameon=False, fontsize=8.5, labelcolor=style.INK)
    figure.suptitle("What the codes carry", x=0.01, ha="left", fontsize=12, fontweight="bold",
                    color=style.INK)  # fmt: skip
    return Drawn(figure, "What the codes carry", _finding(sweep))


def _normalised(sweep: Material) -> tuple[Callable[[SettingSummary], float], str] | None:
    """β σ², as in the paper's figures, where every setting has Gaussian noise; else None."""
    found = {
        id(setting): [row.beta * v for row in setting.rows if (v := variance(sweep, row)) > 0]
        for setting in sweep.choice.settings
        if setting.finished
    }
    if not found or not all(found.values()):
        return None
    means = {key: float(np.mean(values)) for key, values in found.items()}
    lowest = min(means.values())
    return lambda setting: means.get(id(setting), lowest), "normalised variance β σ²"


def _value(sweep: Material, row: object, key: str) -> float | None:
    found = sweep.measured(row, "indicators").get(key)  # type: ignore[arg-type]
    if key == "reconstruction":
        found = getattr(row, "reconstruction", None)
    return float(found) if isinstance(found, int | float) and found == found else None


def _finding(sweep: Material) -> str:
    row = sweep.representative(sweep.choice.best)
    found = sweep.measured(row, "indicators")
    return (
        f"A typical model of the {name_of_best(sweep.choice)} carries "
        f"{found.get('information') or 0:.1f} nats of information in "
        f"{found.get('used') or 0:.0f} of its {row.latents} latents; "
        f"{found.get('normal_variance') or 0:.0f} of them have a normal variance."
    )
