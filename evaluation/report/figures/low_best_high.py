"""Traversals at the lowest, the best and the highest β (Higgins et al. 2017, around Fig. 5)."""

import numpy as np

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import fixed, number
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.charts.axis import axis_of, named_axis_of
from evaluation.report.charts.captions import own_best_in_short
from evaluation.report.figures import series, style
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Lacking, Material
from evaluation.report.traversals import Traversal, traverse_run
from trainer.data.holdout import unseen
from trainer.live_latents import LIVE

ROWS = 6


def of_sweep(sweep: Material) -> Drawn:
    """Three blocks side by side, from the same image: rows are the latents with the highest KL."""
    settings, axis = ends_and_best(sweep), named_axis_of(sweep.choice)
    data = unseen(sweep.images())
    found: list[tuple[SettingSummary, Traversal]] = []
    for setting in settings:
        row = sweep.representative(setting)
        sweep.model_folder(row)
        found.append((setting, traverse_run(row, data, [len(data) // 2], ROWS)))
    columns = len(found[0][1].values)
    height, width = data.shape[1:]
    cell = 9.0 / len(found) / columns
    rows = max(len(traversal.latents) for _, traversal in found)
    figure = style.new_figure(9.6, 1.35 + rows * cell * height / width)
    for axes, (setting, traversal) in zip(
        np.atleast_1d(figure.subplots(1, len(found))), found, strict=True
    ):
        shown = len(traversal.latents)
        axes.imshow(mosaic(traversal.images[0]), extent=(0, columns, shown, 0), aspect="auto",
                    interpolation="nearest")  # fmt: skip
        axes.set_ylim(rows, 0)
        axes.set_yticks(np.arange(shown) + 0.5, [f"z{z} {fixed(kl, 1)}" for z, kl in
                        zip(traversal.latents, traversal.kl, strict=True)], fontsize=8)  # fmt: skip
        style.grey_dead(axes, traversal.kl)
        ends = [traversal.values[0], traversal.values[-1]]
        axes.set_xticks([0.5, columns - 0.5], [number(float(value)) for value in ends], fontsize=8)
        axes.tick_params(length=0, colors=style.QUIET)
        for spine in axes.spines.values():
            spine.set_visible(False)
        title = f"{axis.words(setting)}   {fixed(setting.score, 3)}"
        axes.set_title(title, loc="left", fontsize=10.5, color=style.INK,
                       fontweight="bold" if setting is sweep.choice.best else "normal")  # fmt: skip
    how = "All start from the same image; each row varies one latent, labelled with its KL in nats."
    style.caption(
        figure, f"{how} Next to {axis.label}: the {sweep.score_name}; {bold(sweep.choice)}."
    )
    said = "; ".join(
        f"{int((t.kl > LIVE).sum())} of {len(t.kl)} at {axis.words(s)}" for s, t in found
    )
    title = f"Traversals at the lowest, the best and the highest {axis.label}"
    return Drawn(figure, title, f"Live latents among those shown: {said}.")


def bold(choice: Choice) -> str:
    """The meaning of bold in figures of the settings from `ends_and_best`."""
    own = own_best_in_short(choice)
    return f"bold: the setting to use, rather than {own}" if own else "bold: the best setting"


def ends_and_best(sweep: Material) -> list[SettingSummary]:
    """The settings with the lowest and highest β that are otherwise like the best, and the best."""
    best = sweep.choice.best
    line = next(
        line
        for line in series.series_of(sweep.choice, axis_of(sweep.choice))
        if best in line.settings
    )
    finished = [setting for setting in line.settings if setting.finished]
    if not finished:
        raise Lacking("no run finished, so there is no model to show")
    chosen = [finished[0], best, finished[-1]]
    return [s for i, s in enumerate(chosen) if s not in chosen[:i]]
