"""The map over β and M, next to what models at its ends and top do (Higgins 2017, Fig. 5)."""

from evaluation.analysis.formatting import capital, fixed, number
from evaluation.report.charts.captions import of_map
from evaluation.report.figures import beta_latents_map, series, style
from evaluation.report.figures.low_best_high import ends_and_best
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Material
from evaluation.report.traversals import traverse_run

LATENTS = 3
LETTERS = "abc"  # of a traversal, and of its place in the map


def of_sweep(sweep: Material) -> Drawn:
    """Left: the map. Right: traversals at the lowest, the best and the highest β of its best row,
    each with the letter of its place; a row per latent, highest KL first, of a typical model."""
    settings, data = ends_and_best(sweep), sweep.images()
    axis = series.axis_of(sweep.choice)
    lines = series.series_of(sweep.choice, axis)
    figure = style.new_figure(9.6, max(4.6, 2.1 + 0.62 * min(len(lines), 14)))
    grid = figure.add_gridspec(len(settings), 2, width_ratios=[7, 4])
    map_axes = figure.add_subplot(grid[:, 0])
    place = beta_latents_map.draw_on(
        map_axes, sweep.rows, sweep.choice, score_name=sweep.score_name
    )
    map_axes.set_title("", loc="left")
    for i, (letter, setting) in enumerate(zip(LETTERS, settings, strict=False)):
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
        where = number(setting.beta if axis.parameter == "" else axis(setting))
        called = "β" if axis.parameter == "" else axis.label
        title = f"{letter}   {called} {where}   {fixed(setting.score, 3)}"  # its row is in the map
        axes.set_title(title, loc="left", fontsize=9.5, color=style.INK, pad=4,
                       fontweight="bold" if best else "normal")  # fmt: skip
        x, y = place(setting)
        map_axes.annotate(letter, (x, y + 0.12), xytext=(19 if best else 0, 0), ha="center",
                          textcoords="offset points", va="center", fontsize=9, color=style.INK,
                          bbox={"boxstyle": "circle,pad=0.25", "fc": "white", "ec": style.INK},
                          zorder=6)  # fmt: skip
    figure.suptitle(f"{capital(sweep.score_name)} over the whole sweep, and what models do",
                    x=0.01, ha="left", fontsize=12, fontweight="bold", color=style.INK)  # fmt: skip
    star = beta_latents_map.what_the_star_is(sweep.choice)
    style.caption(figure, f"{star} Right: the {LATENTS} latents of most KL, moved over the "
                  "range of the prior from one image.")  # fmt: skip
    return Drawn(figure, "The map, and what the models do", of_map(sweep.choice, sweep.score_name))
