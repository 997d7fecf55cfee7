"""I(x; z_h) and σ² of q*(z_h) per latent, as bars (troubleshooting paper, Figs. 2, 15 and 16)."""

import numpy as np

from evaluation.analysis.settings.names import setting_label
from evaluation.report.figures import style
from evaluation.report.figures.low_best_high import ends_and_best
from evaluation.report.material import Drawn, Lacking, Material

USED = 0.5  # nats; the paper's appendix E
FEWEST = 6  # places for bars, so that two are not as wide as the panel


def of_sweep(sweep: Material) -> Drawn:
    """A column per setting: lowest, best and highest swept value; latents by information."""
    settings = ends_and_best(sweep)
    typical = [sweep.representative(setting) for setting in settings]
    found = [sweep.measured(row, "indicators") for row in typical]
    if not all(one.get("information_per_latent") for one in found):
        raise Lacking("the indicators were not computed: add `indicators: {}` under `evaluation`")
    figure = style.new_figure(9.6, 4.6)
    panels = figure.subplots(2, len(found), sharey="row", squeeze=False)
    for column, (setting, one) in enumerate(zip(settings, found, strict=True)):
        information = np.array(one["information_per_latent"], float)
        variance = np.array(one["variance"], float)
        order = np.argsort(-information, kind="stable")
        above, below = panels[:, column]
        colours = [style.BLUE if information[z] > USED else "#b6bcc6" for z in order]
        above.bar(range(len(order)), information[order], color=colours, gid="information")
        below.bar(range(len(order)), variance[order], color=colours)
        below.axhline(1, color=style.QUIET, linewidth=1, linestyle=":")
        style.dress(above, title=setting_label(setting),
                    ylabel="$I(x; z_h)$, nats" if column == 0 else "")  # fmt: skip
        style.dress(below, xlabel="latents, most informative first",
                    ylabel=r"$\sigma^2_{z_h}$" if column == 0 else "")  # fmt: skip
        for axes in (above, below):
            axes.grid(False, axis="x")
            axes.title.set_fontsize(9.5)
            axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=9.5, color=style.INK)
            axes.set_xticks([])
            axes.set_xlim(-0.8, max(len(order), FEWEST) - 0.2)
    style.caption(figure, "Blue: used latents, with more than 0.5 nats. Below: the variance of "
                  "each latent in q*(z), the Gaussian that fits all codes; dotted: the "
                  "prior's, 1.")  # fmt: skip
    used = [int((np.array(one["information_per_latent"]) > USED).sum()) for one in found]
    said = "; ".join(
        f"{setting_label(setting)}: {n} of {row.latents} latents used"
        for setting, n, row in zip(settings, used, typical, strict=True)
    )
    return Drawn(figure, "Which latents carry information", f"{said}.")
