"""The spread over seeds of each setting (Stühmer et al. 2019, Fig. 6): dots and a violin."""

from matplotlib.axes import Axes

from evaluation.analysis.formatting import capital, fixed, number
from evaluation.analysis.settings.names import setting_label
from evaluation.report.charts.axis import axis_of
from evaluation.report.charts.captions import name_of_best
from evaluation.report.figures import series, style
from evaluation.report.material import Drawn, Material

MOST = 40  # settings side by side; if there are more, the best are shown
FEWEST = 4  # seeds from which a density adds to the dots


def of_sweep(sweep: Material) -> Drawn:
    """A column per setting, by series and along the axis; bars are scores, dots are seeds."""
    choice = sweep.choice
    axis = axis_of(choice)
    shown = {id(setting) for setting in choice.settings[:MOST]}
    lines = series.series_of(choice, axis)
    figure = style.new_figure(9.6, 4.6)
    axes = figure.add_subplot()
    place, ticks, labelled = 0, [], []
    for line in lines:
        first = place
        for setting in (s for s in line.settings if id(s) in shown and s.finished):
            scores = [row.score for row in setting.rows if row.state == "finished"]
            _draw_column(axes, place, scores, setting.score, line.colour, line.marker)
            value = setting.beta if axis.parameter == "" else axis(setting)
            ticks.append((place, number(value)))
            place += 1
        if place > first:
            labelled.append(((first + place - 1) / 2, line.label))
            place += 1
    style.dress(
        axes,
        title=f"{capital(sweep.score_name)} of every seed",
        xlabel="β" if axis.parameter == "" else axis.label,
        ylabel=sweep.score_name,
    )
    crowded = len(ticks) > 20
    axes.set_xticks([x for x, _ in ticks], [t for _, t in ticks], rotation=60 if crowded else 0)
    axes.set_xlim(-0.8, max((x for x, _ in ticks), default=0) + 0.8)
    axes.grid(False, axis="x")
    for x, label in labelled if len(labelled) > 1 else ():
        axes.text(x, 1.0, label, transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                  fontsize=9, color=style.INK)  # fmt: skip
    if len(labelled) > 1:
        axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=12, fontweight="bold",
                       color=style.INK, pad=24)  # fmt: skip
    left_out = len(choice.settings) - len(ticks)
    half = ", the mean of its better half" if choice.policy == "paper" else ""
    caption = f"Dots: seeds. Bar: the score of the setting{half}."
    style.caption(figure, caption + (f" Not shown: {left_out} settings." if left_out else ""))
    return Drawn(figure, "The spread over seeds", _finding(sweep))


def _draw_column(
    axes: Axes, place: int, scores: list[float], score: float, colour: str, marker: str
) -> None:
    if len(scores) >= FEWEST and max(scores) > min(scores):
        found = axes.violinplot([scores], [place], widths=0.8, showextrema=False)
        for body in found["bodies"]:  # type: ignore[attr-defined]
            body.set_facecolor(colour)
            body.set_alpha(0.2)
    most = min(len(scores), 5) - 1  # side by side, about the middle
    offsets = [place + 0.12 * (i % 5 - most / 2) for i in range(len(scores))]
    axes.scatter(offsets, scores, s=18, color=colour, marker=marker, alpha=0.8, linewidths=0,
                 zorder=3, gid="seeds")  # fmt: skip
    axes.hlines(score, place - 0.36, place + 0.36, color=style.INK, linewidth=1.6, zorder=4)


def _finding(sweep: Material) -> str:
    wide = [s for s in sweep.choice.settings if s.spread == s.spread and s.finished]
    if not wide:
        return "Each setting has one seed, so their spread is unknown."
    most = max(wide, key=lambda setting: setting.spread)
    best = sweep.choice.best
    said = (
        f"The standard deviation over seeds is {fixed(best.spread, 3)} at the "
        f"{name_of_best(sweep.choice)}"
    )
    if len(wide) == 1:
        return f"{said}."
    where = "" if most is best else f", {fixed(most.spread, 3)}, at {setting_label(most)}"
    return f"{said}, {'the largest of all' if most is best else 'and largest'}{where}."
