"""Each used latent varied by ±3 around its code (troubleshooting paper, Figs. 3, 12 to 14)."""

import numpy as np
from numpy.typing import NDArray

from evaluation.analysis.settings.names import setting_label
from evaluation.report.figures import style
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Lacking, Material
from trainer.data.holdout import unseen
from trainer.models import load_model

USED = 0.5  # nats of I(x; z_h), the paper's appendix E; of KL if not computed
BLOCKS, SEEDS, COLUMNS, ACROSS = 12, 3, 7, 3


def of_sweep(sweep: Material) -> Drawn:
    """A block per latent, most used first; a row per image, held-out ones if there are any."""
    row = sweep.representative(sweep.choice.best)
    carried = sweep.measured(row, "indicators").get("information_per_latent") or row.kl_per_latent
    information = np.array(carried or [], float)
    order = [int(z) for z in np.argsort(-information, kind="stable") if information[z] > USED]
    if not order:
        raise Lacking("no latent of the best model carries more than 0.5 nats")
    model, data = load_model(sweep.model_folder(row)), unseen(sweep.images())
    picked = np.random.default_rng(2).choice(len(data), min(SEEDS, len(data)), replace=False)
    codes, _ = model.encode(data.images(np.sort(picked)))
    reach = getattr(model.pack.prior, "reach", 3.0)
    shown = order[:BLOCKS]
    across = min(ACROSS, len(shown))
    down = -(-len(shown) // across)
    height, width = data.shape[1:]
    cell = 9.2 / across / COLUMNS
    figure = style.new_figure(9.6, 0.5 + down * (0.22 + len(codes) * cell * height / width))
    for axes, latent in zip(figure.subplots(down, across, squeeze=False).flat, shown, strict=False):
        images = moved(codes, latent, np.linspace(-reach, reach, COLUMNS))
        decoded = model.decode(images.reshape(-1, codes.shape[1]))
        grid = decoded.reshape(len(codes), COLUMNS, *decoded.shape[1:])
        axes.imshow(mosaic(grid), interpolation="nearest")
        axes.set_title(f"z{latent}   {information[latent]:.1f} nats", loc="left", fontsize=9,
                       color=style.INK, pad=3)  # fmt: skip
    for axes in figure.axes:
        axes.axis("off")
    style.caption(figure, f"{setting_label(sweep.choice.best)}, seed {row.seed}. A row per image, "
                  f"reconstructed in the middle; the latent is varied by ±{reach:g}.")  # fmt: skip
    more = len(order) - len(shown)
    left_out = f"; {more} more are not shown" if more else ""
    said = f"{len(order)} of {row.latents} latents carry more than 0.5 nats{left_out}."
    return Drawn(figure, "Each used latent, varied around its code", said)


def moved(
    codes: NDArray[np.float32], latent: int, steps: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Codes (n, columns, M): each of `codes` (n, M) with one latent moved by each of the steps."""
    found = np.repeat(codes[:, None], len(steps), axis=1)
    found[:, :, latent] += steps.astype(np.float32)
    return found
