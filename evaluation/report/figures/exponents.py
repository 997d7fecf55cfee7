"""The exponents that ISA-VAEs learned for their subspaces (Stühmer et al. 2019, A.2, Fig. 7)."""

from collections import defaultdict

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from evaluation.analysis.formatting import count, number
from evaluation.report.figures import style
from evaluation.report.material import Drawn, Lacking, Material

BINS = 30
P0 = 2.1  # of the root, by default


def of_sweep(sweep: Material) -> Drawn:
    """Left: a histogram per rank of each model's exponents, smallest first, as in Fig. 7, since
    subspaces have no order. Right: the mean of each rank along β."""
    found = {row.run: e for row in sweep.rows if (e := sweep.learned(row).get("exponents"))}
    rows = [row for row in sweep.rows if row.run in found]
    if not rows:
        raise Lacking("no run learned exponents (`objective: {name: isa_vae, exponents: learned}`)")
    most = max(len(found[row.run]) for row in rows)
    ranked = np.full((len(rows), most), np.nan)
    for i, row in enumerate(rows):
        ranked[i, : len(found[row.run])] = np.sort(np.asarray(found[row.run], float))
    choices = {**rows[0].shared, **rows[0].parameters}
    root = float(choices.get("objective_options.p0", P0))
    colours = list(style.colours_of(range(most)).values())
    figure = style.new_figure(9.6, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    known = ranked[np.isfinite(ranked)]
    edges = np.linspace(min(known.min(), root) - 0.01, max(known.max(), root) + 0.01, BINS + 1)
    for rank in range(most):
        values = ranked[:, rank][np.isfinite(ranked[:, rank])]
        left.hist(values, bins=edges, color=colours[rank], alpha=0.65, label=f"$p_{{{rank + 1}}}$",
                  edgecolor="white", linewidth=0.4, gid="exponents")  # fmt: skip
    left.axvline(root, color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
    left.annotate(f"p₀ = {number(root)}", (root, 1), xycoords=("data", "axes fraction"),
                  xytext=(4, -4), textcoords="offset points", va="top", fontsize=9,
                  color=style.INK)  # fmt: skip
    style.dress(left, title="Learned exponents", xlabel="exponent of a subspace", ylabel="models")
    left.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if most <= style.MANY:
        left.legend(frameon=False, fontsize=9, labelcolor=style.INK)
    by_beta = defaultdict(list)
    for row, values in zip(rows, ranked, strict=True):
        by_beta[row.beta].append(values)
    betas = sorted(by_beta)
    x_of = style.LogAxis(betas)
    means = np.array([np.mean(by_beta[beta], axis=0) for beta in betas])
    for rank in range(most):
        right.plot([x_of(beta) for beta in betas], means[:, rank], color=colours[rank],
                   marker="o", markersize=4.5, linewidth=1.4)  # fmt: skip
    right.axhline(root, color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
    style.dress(right, title="Their means against β", xlabel="β")
    x_of.apply(right, narrow=True)
    style.caption(figure, "Each model's exponents in ascending order, as subspaces have no order. "
                  "Dashed: the root's p₀, at which latents are independent.")  # fmt: skip
    return Drawn(figure, "Learned exponents", _finding(ranked, root))


def _finding(ranked: NDArray[np.float64], root: float) -> str:
    middle = ", ".join(number(float(value)) for value in np.nanmedian(ranked, axis=0))
    return (
        f"The exponents that {count(len(ranked), 'model')} learned have the medians {middle}, in "
        f"ascending order; the root's is p₀ = {number(root)}."
    )
