"""What beta does in factor analysis, in closed form (Stühmer et al. 2019, B).

    python -m evaluation.studies.linear_models --out linear-models

turned_latents.png    B.3, B.5: of all rotations of the latents, axis alignment is preferred
third_latent.png      B.4: a latent that is not needed is pruned
pruning.png           how long the components survive as beta grows, with known noise
"""

import sys
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from evaluation.analysis.formatting import fixed, number
from evaluation.report.figures import style
from evaluation.report.material import Drawn
from evaluation.studies import factor_analysis as fa
from evaluation.studies.drawings import COLOURS, ellipse, heading, main, panel_title

BETAS = (1.0, 2.0, 5.0)
ALIGNED, NOISE = np.diag([2.0, 1.0]), np.array([0.1, 0.1])


def turned_latents() -> Drawn:
    """The exact and factorised posteriors of aligned and rotated latents; the gap by angle."""
    figure = style.new_figure(9.6, 3.9)
    aligned, turned, along = figure.subplots(1, 3, width_ratios=[1, 1, 1.7])
    for axes, degrees in ((aligned, 0), (turned, 45)):
        model = fa.FactorModel(fa.rotated(ALIGNED, np.radians(degrees)), NOISE)
        for covariance, dashes, name in (
            (model.covariance, "-", "exact"),
            (np.diag(model.variances), (0, (4, 2)), "factorised"),
        ):
            axes.plot(*ellipse(covariance), linestyle=dashes, linewidth=1.8, label=name,
                      color=COLOURS[0 if name == "exact" else 1])  # fmt: skip
        style.dress(axes, xlabel="$z_1$", ylabel="$z_2$" if degrees == 0 else "")
        panel_title(axes, f"rotated by {degrees}°")
        axes.set_aspect("equal")
        axes.set_xlim(-0.4, 0.4)
        axes.set_ylim(-0.4, 0.4)
        axes.set_xticks([-0.3, 0, 0.3])
        axes.set_yticks([-0.3, 0, 0.3])
    turned.legend(frameon=False, fontsize=8.5, loc="lower right", labelcolor=style.INK)
    angles = np.linspace(0, 180, 181)
    for beta, colour in zip(BETAS, COLOURS, strict=False):
        gaps = [_gap(fa.rotated(ALIGNED, np.radians(angle)), beta) for angle in angles]
        along.plot(angles, -np.array(gaps), color=colour, linewidth=1.8, label=f"β = {beta:g}")
    _dress_gap(along, "rotation of the latents, degrees")
    along.set_xticks([0, 45, 90, 135, 180])
    heading(figure, "Factor analysis: aligned latents cost nothing, rotated ones do")
    style.caption(figure, "Left: posterior of one data point. Right: the free energy minus that of "
                  "the same model with an exact posterior; the likelihood of every rotation is the "
                  "same.")  # fmt: skip
    most = max(_gap(fa.rotated(ALIGNED, a), 1.0) for a in np.radians(angles))
    least = max(_gap(fa.rotated(ALIGNED, a), BETAS[-1]) for a in np.radians(angles))
    cost = f"A rotation costs up to {most:.2f} nats per data point at β = 1 and {least:.2f} at "
    return Drawn(figure, "Rotated latents", f"{cost}β = {BETAS[-1]:g}; alignment costs nothing.")


def third_latent() -> Drawn:
    """Eq. 17: the cost of sharing one direction between two latents, by their shares."""
    figure = style.new_figure(9.6, 3.9)
    shared, pruned, along = figure.subplots(1, 3, width_ratios=[1, 1, 1.7])
    for axes, alpha in ((shared, np.sqrt(0.5)), (pruned, 0.0)):
        covariance = fa.FactorModel(fa.over_complete(alpha), NOISE).covariance
        axes.imshow(covariance, cmap="RdBu_r", vmin=-1, vmax=1)
        for (y, x), value in np.ndenumerate(covariance):
            axes.text(x, y, fixed(value + 0.0, 2), ha="center", va="center",
                      fontsize=9, color=style.INK if abs(value) < 0.6 else "white")  # fmt: skip
        panel_title(axes, f"α = {alpha:.2f}")
        axes.set_xticks(range(3), ["$z_1$", "$z_2$", "$z_3$"], fontsize=9)
        axes.set_yticks(range(3), ["$z_1$", "$z_2$", "$z_3$"], fontsize=9)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    shares = np.linspace(0, 1, 201)
    for beta, colour in zip(BETAS, COLOURS, strict=False):
        gaps = [_gap(fa.over_complete(alpha), beta) for alpha in shares]
        along.plot(shares, -np.array(gaps), color=colour, linewidth=1.8, label=f"β = {beta:g}")
    _dress_gap(along, "α, the first latent's share of the direction")
    heading(figure, "Factor analysis: a third latent for two pixels is pruned")
    style.caption(figure, "Left: covariance of the exact posterior. Two latents that share a "
                  "direction explain each other away; at α = 0 or 1 one of them is at its prior, "
                  "and all latents are independent.")  # fmt: skip
    most = max(_gap(fa.over_complete(alpha), 1.0) for alpha in shares)
    cost = f"Sharing a direction between two latents costs up to {most:.2f} nats per data point at "
    return Drawn(figure, "A third latent", f"{cost}β = 1; pruning one of them costs nothing.")


def pruning() -> Drawn:
    """Squared lengths of the fitted components against beta, with max(0, λ - βσ²)."""
    eigenvalues, noise = np.array([4.0, 2.0, 1.0, 0.5]), 0.1
    fine, betas = np.geomspace(0.5, 60, 300), np.array([1.0, 2.0, 4.0, 6.0, 8.0, 15.0, 30.0, 50.0])
    fits = [fa.fit(np.diag(eigenvalues), np.full(4, noise), beta, latents=6) for beta in betas]
    figure = style.new_figure(9.6, 4.4)
    axes = figure.add_subplot()
    known = np.array([fa.kept(eigenvalues, noise, beta) for beta in fine])
    found = np.array([np.sort((model.weights**2).sum(axis=0))[::-1][:4] for model in fits])
    for k, value in enumerate(eigenvalues):
        axes.plot(fine, known[:, k], color=COLOURS[k], linewidth=1.8, label=f"λ = {value:g}")
        axes.scatter(betas, found[:, k], s=36, color=COLOURS[k], edgecolors="white", zorder=3)
    style.dress(axes, title="Factor analysis: components vanish one by one as β grows",
                xlabel="β", ylabel="squared length of a component")  # fmt: skip
    axes.set_xscale("log")
    style.plain_log_ticks(axes.xaxis, fine[0], fine[-1])
    axes.legend(frameon=False, fontsize=9.5, labelcolor=style.INK, title="variance of the data")
    style.caption(figure, f"Lines: max(0, λ − βσ²), σ² = {noise:g}. Dots: six latents for four "
                  "directions, fitted from small random weights; the two not shown are at 0. The "
                  "noise is given.")  # fmt: skip
    away = float(np.abs(found - [fa.kept(eigenvalues, noise, b) for b in betas]).max())
    agree = "agree" if away < 1e-6 else f"differ by at most {number(away)}"
    return Drawn(figure, "Pruning", "A component of variance λ is kept while β is below λ/σ²: "
                 f"fits and formula {agree}.")  # fmt: skip


def _gap(weights: np.ndarray, beta: float) -> float:
    return fa.gap(fa.FactorModel(weights, NOISE, beta))


def _dress_gap(axes: Axes, xlabel: str) -> None:
    axes.axhline(0, color=style.QUIET, linewidth=1, linestyle=(0, (4, 3)))
    style.dress(axes, xlabel=xlabel, ylabel="free energy minus log evidence, nats")
    axes.legend(frameon=False, fontsize=9, labelcolor=style.INK, loc="lower center", ncols=3)
    low, _ = axes.get_ylim()
    axes.set_ylim(low * 1.25, -low * 0.06)


FIGURES = {
    "turned_latents": turned_latents,
    "third_latent": third_latent,
    "pruning": pruning,
}


def command(given: Sequence[str] | None = None) -> int:
    """As `python -m evaluation.studies.linear_models`."""
    return main(__doc__, FIGURES, given)


if __name__ == "__main__":
    sys.exit(command())
