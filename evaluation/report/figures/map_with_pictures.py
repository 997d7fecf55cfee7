"""The map over β and M, with traversals at its ends and top (Higgins et al. 2017, Fig. 5)."""

from evaluation.analysis.formatting import capital, fixed
from evaluation.report.charts.axis import axis_of, named_axis_of
from evaluation.report.charts.captions import of_map
from evaluation.report.figures import beta_latents_map, series, style
from evaluation.report.figures.low_best_high import ends_and_best
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Lacking, Material
from evaluation.report.traversals import traverse_run
from trainer.data.holdout import unseen

LATENTS = 3
LETTERS = "abc"  # of a traversal, and of its place in the map
FEW = 2  # rows of the map, up to which the traversals are below it: beside it, cells were towers


def of_sweep(sweep: Material) -> Drawn:
    """The map, and traversals at the lowest, the best and the highest β of its best row.

    Each traversal has the letter of its place in the map, and a row per latent of a typical model,
    highest KL first.
    """
    settings, data = ends_and_best(sweep), unseen(sweep.images())
    if len(sweep.choice.settings) == 1:
        raise Lacking("a single setting is no map")
    axis = axis_of(sweep.choice)
    lines = series.series_of(sweep.choice, axis)
    map_height = beta_latents_map.height(len(lines))
    if len(lines) <= FEW:
        side, strips = "Below", 1.9
        figure = style.new_figure(9.6, map_height + strips)
        below = figure.add_gridspec(2, len(settings), height_ratios=[map_height - 0.4, strips])
        map_axes = figure.add_subplot(below[0, :])
        places = [below[1, i] for i in range(len(settings))]
    else:
        side = "Right"
        figure = style.new_figure(9.6, max(4.6, map_height))
        beside = figure.add_gridspec(len(settings), 2, width_ratios=[7, 4])
        map_axes = figure.add_subplot(beside[:, 0])
        places = [beside[i, 1] for i in range(len(settings))]
    place = beta_latents_map.draw_on(
        map_axes, sweep.rows, sweep.choice, score_name=sweep.score_name
    )
    map_axes.set_title("", loc="left")
    marked = [series.best_of(line, sweep.choice) for line in lines]
    marked += [own for line in lines for own in series.own_best_of(line, sweep.choice)]
    for letter, setting, spot in zip(LETTERS, settings, places, strict=False):
        axes = figure.add_subplot(spot)
        row = sweep.representative(setting)
        sweep.model_folder(row)
        images = traverse_run(row, data, [len(data) // 2], LATENTS).images[0]
        axes.imshow(mosaic(images), interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        best = setting is sweep.choice.best
        for spine in axes.spines.values():
            spine.set_color(style.INK if best else "#9ca3af")
        where = named_axis_of(sweep.choice).words(setting)
        title = f"{letter}   {where}   {fixed(setting.score, 3)}"  # its row is in the map
        axes.set_title(title, loc="left", fontsize=9.5, color=style.INK, pad=4,
                       fontweight="bold" if best else "normal")  # fmt: skip
        x, y = place(setting)
        map_axes.annotate(letter, (x, y + 0.12), xytext=(19 if setting in marked else 0, 0),
                          textcoords="offset points", ha="center", va="center",
                          fontsize=9, color=style.INK,
                          bbox={"boxstyle": "circle,pad=0.25", "fc": "white", "ec": style.INK},
                          zorder=6)  # fmt: skip
    figure.suptitle(f"{capital(sweep.score_name)} over the whole sweep, with traversals",
                    x=0.01, ha="left", fontsize=12, fontweight="bold", color=style.INK)  # fmt: skip
    marks = beta_latents_map.what_the_marks_are(sweep.choice, len(lines))
    style.caption(figure, f"{marks} {side}: the {LATENTS} latents with the highest KL, "
                  "varied over the range of the prior from one image.")  # fmt: skip
    return Drawn(figure, "The whole sweep, with traversals", of_map(sweep.choice, sweep.score_name))
