"""How the models trained: reconstruction and KL by step; failed and collapsed runs stand out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from evaluation.analysis.formatting import count
from evaluation.analysis.table import RunRow
from evaluation.report.charts.axis import named_axis_of
from evaluation.report.figures import style
from evaluation.report.material import Drawn, Lacking, Material
from trainer.files import parse_json
from trainer.live_latents import LIVE
from trainer.run_files import HISTORY_FILE

TITLES = {"reconstruction": "Reconstruction", "kl": "KL", "loss": "Loss"}
TERMS = {
    "reconstruction": "log p(x|z), nats per image",
    "kl": "KL, nats per image",
    "loss": "loss, nats per image",
}
NAME = 0.06  # of the height of the panel, that a latent's name takes
TYPICAL = " Right: KL of each latent in a typical run of the best setting; grey: not live."
MOST = 200  # runs drawn; of more, every n-th


def of_sweep(sweep: Material) -> Drawn:
    """A panel per term, a line per run coloured by what was swept; last, the best model's KL per
    latent."""
    every = max(1, math.ceil(len(sweep.rows) / MOST))
    histories = {r.run: (r, h) for r in sweep.rows[::every] if (h := _history(sweep, r))}
    if not histories:
        raise Lacking("the runs keep no training history")
    first = next(iter(histories.values()))[1]
    terms = [term for term in TERMS if term in first][:2] or list(first)[1:3]
    figure = style.new_figure(9.6, 3.6)
    row = sweep.representative(sweep.choice.best)
    latents = (histories[row.run][1] if row.run in histories else _history(sweep, row)) or {}
    kl = np.array(latents.get("kl_per_latent") or [], float)
    panels = np.atleast_1d(figure.subplots(1, len(terms) + bool(len(kl))))
    axis = named_axis_of(sweep.choice)
    scale = style.log_scale([axis(row) for row in sweep.rows])
    for axes, term in zip(panels, terms, strict=False):
        for row, history in histories.values():
            _draw_run(axes, row, history, term, style.colour_at(scale, axis(row)))
        style.dress(axes, title=TITLES.get(term, term), xlabel="step", ylabel=TERMS.get(term, term))
        _focus(axes)
    if len(kl):
        _draw_latents(panels[-1], latents["step"], kl)
    if len({axis(row) for row in sweep.rows}) > 1:
        bar = style.colour_bar(panels[len(terms) - 1], scale, axis.label)
        style.plain_log_ticks(bar.ax.yaxis, *scale.get_clim())
    failed = sum(row.state == "failed" for row in sweep.rows)
    dead = [row.run for row in sweep.rows if row.health.collapsed]
    handles = [
        Line2D([], [], color=style.FAILED, linewidth=1.4, label="failed"),
        Line2D([], [], color=style.QUIET, linewidth=1.4, linestyle=":", label="collapsed"),
    ]
    wanted = [h for h, there in zip(handles, (failed, dead), strict=True) if there]
    if wanted:
        figure.legend(handles=wanted, frameon=False, fontsize=9, loc="outside lower right", ncols=2)
    shown = "" if every == 1 else f" One run in {every} is shown."
    zero = style.grey_note((axis(row) for row in sweep.rows), axis.label)
    style.caption(
        figure,
        f"A line per run.{TYPICAL if len(kl) else ''}{shown}{zero}",
    )
    said = f"{count(len(sweep.rows), 'run')}: {failed} failed, {len(dead)} collapsed."
    return Drawn(figure, "How the models trained", said)


def _draw_run(axes: Axes, row: RunRow, history: Mapping[str, Any], term: str, colour: str) -> None:
    steps, values = history["step"], history.get(term) or []
    if not values or isinstance(values[0], list):
        return
    known = np.array([math.nan if value is None else value for value in values], float)
    if row.state == "failed":
        look: dict[str, Any] = {"color": style.FAILED, "linewidth": 1.3, "zorder": 3}
    elif row.health.collapsed:
        look = {"color": style.QUIET, "linewidth": 1.2, "linestyle": ":"}
    else:
        look = {"color": colour, "linewidth": 0.9, "alpha": 0.75}
    axes.plot(steps, known, gid=row.state, **look)
    if row.state == "failed":
        axes.scatter(steps[-1:], known[-1:], marker="x", color=style.FAILED, s=36, zorder=4)


def _draw_latents(axes: Axes, steps: Sequence[float], kl: NDArray[np.float64]) -> None:
    """kl: (steps, M) in nats."""
    style.dress(axes, title="KL per latent", xlabel="step", ylabel="nats per image")
    for values in kl.T:
        live = values[-1] > LIVE
        axes.plot(steps, values, linewidth=1.2 if live else 0.8, gid="latent",
                  color=style.INK if live else "#b6bcc6", alpha=0.8)  # fmt: skip
    _focus(axes)
    low, high = axes.get_ylim()
    for latent in _apart(kl[-1], NAME * (high - low)):
        axes.annotate(f"z{latent}", (steps[-1], kl[-1, latent]), fontsize=7.5,
                      xytext=(2, 0), textcoords="offset points", va="center",
                      color=style.QUIET)  # fmt: skip


def _apart(values: np.ndarray, least: float) -> list[int]:
    """The live latents whose names at the ends of their lines are at least so far apart."""
    found: list[int] = []
    for latent in np.argsort(-values, kind="stable"):
        if values[latent] > LIVE and all(values[o] - values[latent] >= least for o in found[-1:]):
            found.append(int(latent))
    return found


def _focus(axes: Axes) -> None:
    """Lets the first steps leave the panel: they would compress all others."""
    drawn = [np.asarray(line.get_ydata(), float) for line in axes.lines]
    values = np.concatenate([np.zeros(0), *(each[len(each) // 20 :] for each in drawn)])
    known = values[np.isfinite(values)]
    if len(known):
        low, high = np.quantile(known, [0.005, 0.995])
        margin = 0.06 * (high - low) or 1.0
        axes.set_ylim(low - margin, high + margin)


def _history(sweep: Material, row: RunRow) -> Mapping[str, Any] | None:
    folder = sweep.folder(row)
    if folder is None:
        return None
    try:
        found: Mapping[str, Any] = parse_json((folder / HISTORY_FILE).read_bytes())
        return found if found["step"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no history, or a damaged one: one line fewer
