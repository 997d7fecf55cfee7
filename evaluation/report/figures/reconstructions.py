"""Images and what models make of them, at the lowest, the best and the highest β.

The upper rows of Levy 2020, Fig. 5; the pictures of the troubleshooting paper, Fig. 4.
"""

import numpy as np

from evaluation.analysis.formatting import fixed
from evaluation.analysis.setting_names import setting_label
from evaluation.report.figures import style
from evaluation.report.figures.low_best_high import ends_and_best
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Material
from trainer.data.holdout import unseen

COLUMNS = 12


def of_sweep(sweep: Material) -> Drawn:
    """A column per image, held out of training where some are; a row per model, inputs on top."""
    from trainer.models import load_model

    data = unseen(sweep.images())
    settings = ends_and_best(sweep)
    picked = np.sort(np.random.default_rng(1).choice(len(data), min(COLUMNS, len(data)), False))
    inputs = (data.images(picked) / data.levels).astype(np.float32)
    rows, labels = [inputs], ["input"]
    for setting in settings:
        model = load_model(sweep.model_folder(sweep.representative(setting)))
        rows.append(model.decode(model.encode(inputs)[0]))
        labels.append(f"{setting_label(setting)}\n{fixed(setting.reconstruction, 1)} nats")
    height, width = data.shape[1:]
    cell = 8.0 / len(picked)
    figure = style.new_figure(9.6, 0.75 + len(rows) * cell * height / width)
    axes = figure.add_subplot()
    axes.imshow(mosaic(np.stack(rows)), extent=(0, len(picked), len(rows), 0), aspect="auto",
                interpolation="nearest")  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels, fontsize=8.5, color=style.INK)
    axes.tick_params(length=0)
    for label, setting in zip(axes.get_yticklabels()[1:], settings, strict=True):
        label.set_fontweight("bold" if setting is sweep.choice.best else "normal")
    for spine in axes.spines.values():
        spine.set_visible(False)
    style.caption(figure, "The decoded mean of each image's mean code. Nats: the setting's "
                  "log p(x|z) over its seeds; bold is best.")  # fmt: skip
    said = "; ".join(f"{setting_label(s)}: {fixed(s.reconstruction, 1)} nats" for s in settings)
    return Drawn(figure, "Images and their reconstructions", f"Reconstruction at {said}.")
