"""Codes in the plane, coloured by class, above the decoded grid (Levy 2020, Fig. 7)."""

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from evaluation.analysis.formatting import number
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.figures import style
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Lacking, Material
from trainer.data.dataset import UNKNOWN, Dataset, class_names_of
from trainer.models.model import Model

IMAGES, GRID, REACH, MOST = 3_000, 11, 4.0, 4  # the paper decodes -4 to 4
NAMED = 26  # classes at most; more are not coloured


@dataclass(frozen=True)
class Classes:
    """The classes (n,) of one factor of some images, with the names and colours of the classes."""

    factor: str
    of_image: NDArray[np.int64]
    names: tuple[str, ...]
    colours: tuple[str, ...]

    def colour(self, i: int) -> str:
        """The colour of the image at i; grey for an unlabelled one."""
        return style.QUIET if self.of_image[i] == UNKNOWN else self.colours[self.of_image[i]]


def of_sweep(sweep: Material) -> Drawn:
    """A column per β of the settings with two latents: codes with the prior's two circles, grid."""
    from trainer.models import load_model

    flat = [s for s in sweep.choice.settings if s.latents == 2 and s.finished]
    if not flat:
        raise Lacking("no setting has two latents")
    shown = _spread(sorted(flat, key=lambda setting: setting.beta))
    data = sweep.images()
    picked = np.sort(np.random.default_rng(0).choice(len(data), min(IMAGES, len(data)), False))
    classes = classes_of(data, picked)
    figure = style.new_figure(9.6, 0.9 + 2 * 9.0 / max(len(shown), 3))
    panels = figure.subplots(2, len(shown), squeeze=False)
    for (above, below), setting in zip(panels.T, shown, strict=True):
        model = load_model(sweep.model_folder(sweep.representative(setting)))
        edge = getattr(model.pack.prior, "reach", None)  # of a uniform prior
        _draw_codes(above, model.encode(data.images(picked))[0], classes, edge)
        style.dress(above, title=f"β = {number(setting.beta)}")
        _draw_grid(below, model, edge or REACH)
    if classes:
        _legend(figure, classes)
    what = f"a colour per {classes.factor}" if classes else "images without labels"
    style.caption(figure, f"Above: mean codes, {what}; outlines: one and two standard deviations "
                  "of the prior, or its edge. Below: what the plane decodes to.")  # fmt: skip
    return Drawn(figure, "The plane of codes", "Mean codes of the images, with two latents, at "
                 + ", ".join(f"β = {number(s.beta)}" for s in shown) + ".")  # fmt: skip


def classes_of(data: Dataset, picked: NDArray[np.int64]) -> Classes | None:
    """The classes of the images at `picked` in the first factor with several; None without one."""
    for place, (factor, count) in enumerate(data.factors.items()):
        if 1 < count <= NAMED:
            names = tuple(class_names_of(data, factor))
            return Classes(factor, data.classes(picked)[:, place], names, _colours(count))
    return None


def _colours(classes: int) -> tuple[str, ...]:
    """A colour for each class."""
    if classes <= style.MANY:
        return tuple(style.colours_of(range(classes)).values())
    ramp = colormaps["tab10" if classes <= 10 else "turbo"]
    return tuple(to_hex(ramp(i if classes <= 10 else i / (classes - 1))) for i in range(classes))


def _draw_codes(
    axes: Axes, codes: NDArray[np.float32], classes: Classes | None, edge: float | None
) -> None:
    """Codes (n, 2) as dots, above the outlines of the prior."""
    colours = [classes.colour(i) for i in range(len(codes))] if classes else style.BLUE
    axes.scatter(codes[:, 0], codes[:, 1], c=colours, s=3, linewidths=0, alpha=0.7)
    _draw_prior(axes, edge)
    reach = max(1.2 if edge else 3.0, float(np.quantile(np.abs(codes), 0.99)) * 1.1)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")


def _draw_grid(axes: Axes, model: Model, end: float) -> None:
    """The decoded images of a regular grid from -end to end."""
    line = np.linspace(-end, end, GRID)
    grid = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
    images = model.decode(grid.astype(np.float32))
    axes.imshow(mosaic(images.reshape(GRID, GRID, *images.shape[1:])), interpolation="nearest",
                extent=(-end, end, -end, end))  # fmt: skip
    style.dress(axes)
    axes.grid(False)


def _draw_prior(axes: Axes, edge: float | None) -> None:
    """One and two standard deviations of N(0, I); of a uniform prior its edge."""
    angle = np.linspace(0, 2 * np.pi, 100)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for outline in [edge * corners] if edge else [circle, 2 * circle]:
        axes.plot(*outline.T, color=style.QUIET, lw=0.7)


def _legend(figure: Figure, classes: Classes) -> None:
    handles = [
        Line2D([], [], linestyle="none", marker="o", markersize=5, color=colour, label=name)
        for name, colour in zip(classes.names, classes.colours, strict=True)
    ]
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=9,
                  labelcolor=style.INK, title=classes.factor, title_fontsize=9,
                  handletextpad=0.1, ncols=1 + len(handles) // 14)  # fmt: skip


def _spread(settings: list[SettingSummary]) -> list[SettingSummary]:
    """At most MOST of them, evenly spaced over the range."""
    if len(settings) <= MOST:
        return settings
    places = np.linspace(0, len(settings) - 1, MOST).round().astype(int)
    return [settings[i] for i in places]
