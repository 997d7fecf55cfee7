"""Which noise of a mixture a residual is taken for (troubleshooting paper, Fig. 15)."""

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.analysis.formatting import number
from evaluation.analysis.setting_names import setting_label
from evaluation.report.figures import style
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Lacking, Material
from trainer.data.holdout import unseen
from trainer.likelihoods.gaussian_mixture import NoiseMixture, responsibilities
from trainer.models import load_model

COLUMNS = 10


def of_sweep(sweep: Material) -> Drawn:
    """Rows: images, reconstructions, and how likely each component made a pixel's residual."""
    row = sweep.representative(sweep.choice.best)
    choices = {**row.shared, **row.parameters}
    if choices.get("likelihood") != "gaussian_mixture":
        raise Lacking("the best model's noise is no mixture (likelihood gaussian_mixture)")
    model, data = load_model(sweep.model_folder(row)), unseen(sweep.images())
    own = model.pack.likelihood_own
    assert isinstance(own, NoiseMixture)
    picked = np.sort(np.random.default_rng(1).choice(len(data), min(COLUMNS, len(data)), False))
    inputs = (data.images(picked) / data.levels).astype(np.float32)
    codes, _ = model.encode(inputs)
    with torch.inference_mode():
        decoded = model.pack.decode(torch.from_numpy(codes)[None])
        shares = responsibilities(torch.from_numpy(inputs)[None], decoded, own)[:, 0]
    level, weight = (own.learned()[name][0].tolist() for name in ("variance", "weight"))
    order = sorted(range(len(level)), key=lambda j: level[j])
    channels = data.shape[0]
    maps = [shares[j].mean(1, keepdim=True).repeat(1, channels, 1, 1).numpy() for j in order]
    rows: list[NDArray[np.float32]] = [inputs, model.decode(codes), *maps]
    labels = ["input", "reconstruction"]
    labels += [f"σ² = {number(level[j])}\n{weight[j]:.0%} of pixels" for j in order]
    height, width = data.shape[1:]
    cell = 8.0 / len(picked)
    figure = style.new_figure(9.6, 0.75 + len(rows) * cell * height / width)
    axes = figure.add_subplot()
    axes.imshow(mosaic(np.stack(rows)), extent=(0, len(picked), len(rows), 0), aspect="auto",
                interpolation="nearest")  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels, fontsize=8.5, color=style.INK)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    style.caption(figure, f"{setting_label(sweep.choice.best)}, seed {row.seed}. Below: white "
                  "where a residual is that component's, black where it is another's.")  # fmt: skip
    said = ", ".join(f"σ² = {number(level[j])} ({weight[j]:.0%} of the pixels)" for j in order)
    return Drawn(figure, "Which noise a residual is", f"The noise is a mixture of {said}.")
