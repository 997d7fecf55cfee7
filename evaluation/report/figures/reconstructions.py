"""Images and their reconstructions, at the lowest, the best and the highest β.

The upper rows of Levy 2020, Fig. 5; the pictures of the troubleshooting paper, Fig. 4.
"""

from evaluation.analysis.formatting import fixed
from evaluation.analysis.settings.names import setting_label
from evaluation.report.figures import image_rows, style
from evaluation.report.figures.low_best_high import bold, ends_and_best
from evaluation.report.material import Drawn, Material
from trainer.data.holdout import unseen

COLUMNS = 12


def of_sweep(sweep: Material) -> Drawn:
    """A column per image, held-out ones if there are any; a row per model, inputs on top."""
    from trainer.models import load_model

    data = unseen(sweep.images())
    settings = ends_and_best(sweep)
    inputs = image_rows.some_images(data, COLUMNS)
    rows, labels = [inputs], ["input"]
    for setting in settings:
        model = load_model(sweep.model_folder(sweep.representative(setting)))
        rows.append(model.decode(model.encode(inputs)[0]))
        labels.append(f"{setting_label(setting)}\n{fixed(setting.reconstruction, 1)} nats")
    figure, axes = image_rows.draw(rows, labels)
    for label, setting in zip(axes.get_yticklabels()[1:], settings, strict=True):
        label.set_fontweight("bold" if setting is sweep.choice.best else "normal")
    style.caption(figure, "Decoded means of the images' mean codes. Nats: the setting's mean "
                  f"log p(x|z) over its seeds; {bold(sweep.choice)}.")  # fmt: skip
    said = "; ".join(f"{fixed(s.reconstruction, 1)} nats at {setting_label(s)}" for s in settings)
    return Drawn(figure, "Images and their reconstructions", f"Mean log p(x|z) per image: {said}.")
