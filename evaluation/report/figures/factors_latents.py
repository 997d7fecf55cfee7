"""How much each latent, and the whole code, knows about each factor."""

import numpy as np
import torch
from matplotlib import colormaps
from numpy.typing import NDArray
from torch import Tensor

from evaluation.analysis.factors import Knowledge, read_factors
from evaluation.analysis.formatting import fixed
from evaluation.analysis.settings.names import setting_label
from evaluation.report.figures import style
from evaluation.report.material import Drawn, Lacking, Material

MOST = 12  # latents shown
NARROWEST = 5.6  # inches, for the title


def of_sweep(sweep: Material) -> Drawn:
    """Rows: latents of the typical model of the best setting, by KL. Columns: factors.

    A cell is the information of a latent about a factor, corrected for chance, by histograms of
    sampled codes: the means of a dead latent know what none of its samples do. The last row is what
    the whole code knows, held out, where the result has it.
    """
    from evaluation.metrics.support.histograms import share_above_chance
    from evaluation.metrics.support.labels import MissingLabels
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

    try:
        _, (points,) = labelled_points(sample, data, np.random.default_rng(0), None, points=10_000)
    except MissingLabels as error:
        raise Lacking(str(error)) from error
    share = share_above_chance(points)[0]
    kl = np.array(row.kl_per_latent or np.zeros(len(share)))
    order = np.argsort(-kl, kind="stable")[:MOST]
    factors = list(points.factors)
    whole = read_factors(sweep.evaluation(row).get("factors"))
    cells = share[order]
    labels = [f"z{z}  {fixed(float(kl[z]), 2)}" for z in order]
    if whole:
        known = [whole[name].known if name in whole else np.nan for name in factors]
        cells = np.vstack([cells, known])
        labels.append("whole code")
    figure = style.new_figure(max(NARROWEST, 3.1 + 1.15 * len(factors)), 1.9 + 0.36 * len(labels))
    axes = figure.add_subplot()
    shown = axes.imshow(cells, cmap=colormaps[style.SCORE_MAP], vmin=0, vmax=1, aspect="auto")
    for (y, x), value in np.ndenumerate(cells):
        colour = "white" if value < 0.55 else style.INK
        text = f"{value:.2f}" if np.isfinite(value) else "–"
        axes.text(x, y, text, ha="center", va="center", fontsize=8.5, color=colour)
    if whole:
        axes.axhline(len(order) - 0.5, color="white", linewidth=3)
    style.dress(axes, title="What the latents know about the factors", ylabel="latent, KL in nats")
    axes.grid(False)
    axes.set_xticks(range(len(factors)), factors, color=style.INK)
    axes.set_yticks(range(len(labels)), labels, color=style.INK)
    axes.tick_params(length=0)
    style.grey_dead(axes, kl[order])
    style.colour_bar(axes, shown, "share known, above chance")
    style.caption(figure, _caption(setting_label(sweep.choice.best), row.seed, len(points.images)))
    return Drawn(figure, "Latents and factors", _finding(share, factors, whole))


def _caption(setting: str, seed: int, images: int) -> str:
    return (
        f"{setting}, seed {seed}; {images:,} labelled images. Latents: share of the factor's "
        "entropy, less what codes shuffled among the images seem to know; 0 where that explains "
        "it, 1 where all is known. Whole code: held-out accuracy above chance; of quantities, "
        "the share of their variance."
    )


def _finding(share: NDArray[np.float64], factors: list[str], whole: dict[str, Knowledge]) -> str:
    """share: (M, F)."""
    best = dict(zip(factors, share.max(axis=0).tolist(), strict=True))
    said = ", ".join(f"{name} {fixed(most, 2)}" for name, most in best.items() if most > 0)
    lacking = ", ".join(name for name, most in best.items() if most == 0)
    parts = []
    if said:
        parts.append(f"The share of each factor that its best latent knows: {said}.")
    if lacking:
        parts.append(f"No latent knows more than chance of {lacking}.")
    kept = [name for name in factors if name in whole and whole[name].encoded]
    lost = [name for name in factors if name in whole and not whole[name].encoded]
    if kept or lost:
        known = [f"keeps {', '.join(kept)}"] if kept else []
        known += [f"loses {', '.join(lost)}"] if lost else []
        parts.append(f"The whole code {' and '.join(known)}.")
    return " ".join(parts)
