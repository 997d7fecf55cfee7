"""The map over β and M beside what models at its ends and its top do (Higgins 2017, Fig. 5)."""

from matplotlib.patches import ConnectionPatch

from evaluation.analysis.formatting import fixed
from evaluation.report.figures import beta_latents_map, series, style
from evaluation.report.figures.low_best_high import ends_and_best
from evaluation.report.figures.traversals import mosaic
from evaluation.report.findings import of_map
from evaluation.report.material import Drawn, Material
from evaluation.traversals import traverse_run

LATENTS = 3


def of_sweep(sweep: Material) -> Drawn:
    """Left: the map. Right: traversals at the lowest, the best and the highest β of its best row,
    each joined to its place; a row per latent, of most KL, of a typical model."""
    settings, data = ends_and_best(sweep), sweep.images()
    lines = series.series_of(sweep.choice, series.axis_of(sweep.choice))
    figure = style.new_figure(9.6, max(4.6, 2.1 + 0.62 * min(len(lines), 14)))
    grid = figure.add_gridspec(len(settings), 2, width_ratios=[7, 4])
    map_axes = figure.add_subplot(grid[:, 0])
    place = beta_latents_map.draw_on(
        map_axes, sweep.rows, sweep.choice, score_name=sweep.score_name
    )
    map_axes.set_title("")
    for i, setting in enumerate(settings):
        axes = figure.add_subplot(grid[i, 1])
        row = sweep.representative(setting)
        sweep.model_folder(row)
        images = traverse_run(row, data, [len(data) // 2], LATENTS).images[0]
        axes.imshow(mosaic(images), interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        best = setting is sweep.choice.best
        for spine in axes.spines.values():
            spine.set_color(style.INK if best else "#9ca3af")
        axes.set_title(f"{series.name_of(setting)}   {fixed(setting.score, 3)}", loc="left",
                       fontsize=9.5, color=style.INK, pad=4,
                       fontweight="bold" if best else "normal")  # fmt: skip
        join = ConnectionPatch(
            place(setting), (0, 0.5), coordsA=map_axes.transData, coordsB=axes.transAxes
        )
        join.set(color=style.INK, linewidth=0.7, alpha=0.6)
        figure.add_artist(join)
    figure.suptitle(f"{sweep.score_name} over the whole sweep, and what the models do".capitalize(),
                    x=0.01, ha="left", fontsize=12, fontweight="bold", color=style.INK)  # fmt: skip
    style.caption(figure, f"Star: best setting. Right: the {LATENTS} latents of most KL, moved "
                  "over the range of the prior from one image.")  # fmt: skip
    return Drawn(figure, "The map, and what the models do", of_map(sweep.choice, sweep.score_name))
