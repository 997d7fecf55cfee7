"""How much each latent, and the whole code, knows about each factor."""

import numpy as np
import torch
from matplotlib import colormaps
from torch import Tensor

from evaluation.analysis.factors import ENCODED
from evaluation.analysis.formatting import fixed
from evaluation.analysis.settings.names import setting_label
from evaluation.report.figures import style
from evaluation.report.figures.traversals import INACTIVE
from evaluation.report.material import Drawn, Lacking, Material

MOST = 12  # latents shown
NARROWEST = 5.6  # inches, for the title


def of_sweep(sweep: Material) -> Drawn:
    """Rows: latents of the typical model of the best setting, by KL. Columns: factors.

    A cell is I(z; factor) / H(factor) by histograms of sampled codes: the means of a dead latent
    know what none of its samples do. The last row is what the whole
    code knows, held out, where the result has it.
    """
    from evaluation.metrics.support.histograms import factor_entropies, factor_information
    from evaluation.metrics.support.points import labelled_points
    from trainer.models import load_pack

    data = sweep.images()
    if not data.factors:
        raise Lacking("no factor of the images is labelled")
    row = sweep.representative(sweep.choice.best)
    pack = load_pack([sweep.model_folder(row)])
    noise = torch.Generator().manual_seed(0)

    def sample(images: Tensor) -> Tensor:
        mu, logvar = pack.encode(images)
        return (mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=noise))[0]

    _, (points,) = labelled_points(sample, data, np.random.default_rng(0), None, points=10_000)
    share = factor_information(points, bins=20)[0] / np.maximum(factor_entropies(points), 1e-9)
    kl = np.array(row.kl_per_latent or np.zeros(len(share)))
    order = np.argsort(-kl, kind="stable")[:MOST]
    factors = list(points.factors)
    whole = sweep.evaluation(row).get("factors") or {}
    cells = share[order]
    labels = [f"z{z}  {fixed(float(kl[z]), 2)}" for z in order]
    if whole:
        known = [float((whole.get(name) or {}).get("known") or 0) for name in factors]
        cells = np.vstack([cells, known])
        labels.append("whole code")
    figure = style.new_figure(max(NARROWEST, 3.1 + 1.15 * len(factors)), 1.9 + 0.36 * len(labels))
    axes = figure.add_subplot()
    shown = axes.imshow(cells, cmap=colormaps[style.SCORE_MAP], vmin=0, vmax=1, aspect="auto")
    for (y, x), value in np.ndenumerate(cells):
        colour = "white" if value < 0.55 else style.INK
        axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=8.5, color=colour)
    if whole:
        axes.axhline(len(order) - 0.5, color="white", linewidth=3)
    style.dress(axes, title="What the latents know about the factors", ylabel="latent, KL in nats")
    axes.grid(False)
    axes.set_xticks(range(len(factors)), factors, color=style.INK)
    axes.set_yticks(range(len(labels)), labels, color=style.INK)
    axes.tick_params(length=0)
    for label, z in zip(axes.get_yticklabels(), order, strict=False):
        label.set_color(style.INK if kl[z] >= INACTIVE else "#9ca3af")
    style.colour_bar(axes, shown, "share of the factor's entropy")
    style.caption(figure, f"{setting_label(sweep.choice.best)}, seed {row.seed}.")
    return Drawn(figure, "Latents and factors", _finding(cells[: len(order)], factors, whole))


def _finding(share: np.ndarray, factors: list[str], whole: dict) -> str:
    best = share.argmax(axis=0)
    said = ", ".join(
        f"{name} {fixed(float(share[z, i]), 2)}"
        for i, (name, z) in enumerate(zip(factors, best, strict=True))
    )
    text = f"The share of each factor that its best latent knows: {said}."
    if whole:
        kept = [n for n in factors if float((whole.get(n) or {}).get("known") or 0) >= ENCODED]
        lost = [n for n in factors if n not in kept]
        parts = [f"{what} {', '.join(names)}" for what, names in (("keeps", kept), ("loses", lost))
                 if names]  # fmt: skip
        text += f" The whole code {' and '.join(parts)}."
    return text
