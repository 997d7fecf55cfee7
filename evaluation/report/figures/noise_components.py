"""Which component of a noise mixture explains each residual (troubleshooting paper, Fig. 15)."""

import torch

from evaluation.analysis.formatting import number
from evaluation.analysis.settings.names import setting_label
from evaluation.report.figures import image_rows, style
from evaluation.report.material import Drawn, Lacking, Material
from trainer.data.holdout import unseen
from trainer.likelihoods.gaussian_mixture import NoiseMixture, responsibilities
from trainer.models import load_model

COLUMNS = 10


def of_sweep(sweep: Material) -> Drawn:
    """Rows: images, reconstructions, and each component's probability for a pixel's residual."""
    row = sweep.representative(sweep.choice.best)
    choices = {**row.shared, **row.parameters}
    if choices.get("likelihood") != "gaussian_mixture":
        raise Lacking("the best model's noise is not a mixture (likelihood gaussian_mixture)")
    model, data = load_model(sweep.model_folder(row)), unseen(sweep.images())
    own = model.pack.likelihood_own
    assert isinstance(own, NoiseMixture)
    inputs = image_rows.some_images(data, COLUMNS)
    codes, _ = model.encode(inputs)
    with torch.inference_mode():
        decoded = model.pack.decode(torch.from_numpy(codes)[None])
        shares = responsibilities(torch.from_numpy(inputs)[None], decoded, own)[:, 0]
    level, weight = (own.learned()[name][0].tolist() for name in ("variance", "weight"))
    order = sorted(range(len(level)), key=lambda j: level[j])
    channels = data.shape[0]
    maps = [shares[j].mean(1, keepdim=True).repeat(1, channels, 1, 1).numpy() for j in order]
    rows = [inputs, model.decode(codes), *maps]
    labels = ["input", "reconstruction"]
    labels += [f"σ² = {number(level[j])}\n{weight[j]:.0%} of pixels" for j in order]
    figure, _ = image_rows.draw(rows, labels)
    style.caption(figure, f"{setting_label(sweep.choice.best)}, seed {row.seed}. Below: white "
                  "where a component explains a residual, black where another does.")  # fmt: skip
    said = ", ".join(f"σ² = {number(level[j])} ({weight[j]:.0%} of the pixels)" for j in order)
    return Drawn(
        figure, "Which noise component explains each residual", f"The noise is a mixture of {said}."
    )
