"""Codes in the plane, coloured by class, above the decoded grid (Levy 2020, Fig. 7)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from evaluation.analysis.formatting import number
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.report.figures import style
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Lacking, Material

IMAGES, GRID, REACH, MOST = 3_000, 11, 4.0, 4  # the paper decodes -4 to 4


def of_sweep(sweep: Material) -> Drawn:
    """A column per β of the settings with two latents: codes with the prior's two circles, grid."""
    from trainer.models import load_model

    flat = [s for s in sweep.choice.settings if s.latents == 2 and s.finished]
    if not flat:
        raise Lacking("no setting has two latents")
    shown = _spread(sorted(flat, key=lambda setting: setting.beta))
    data = sweep.images()
    picked = np.sort(np.random.default_rng(0).choice(len(data), min(IMAGES, len(data)), False))
    classes = data.classes(picked)[:, 0] if data.factors else np.zeros(len(picked), int)
    name = next(iter(data.factors), "")
    figure = style.new_figure(9.6, 0.9 + 2 * 9.0 / max(len(shown), 3))
    panels = figure.subplots(2, len(shown), squeeze=False)
    for column, setting in enumerate(shown):
        model = load_model(sweep.model_folder(sweep.representative(setting)))
        codes, _ = model.encode(data.images(picked))
        above, below = panels[:, column]
        last = max(int(classes.max()), 1)
        above.scatter(*codes.T, c=classes, cmap=_colours(last + 1), vmin=-0.5, vmax=last + 0.5,
                      s=3, linewidths=0, alpha=0.7)  # fmt: skip
        edge = getattr(model.pack.prior, "reach", None)  # of a uniform prior
        _draw_prior(above, edge)
        reach = max(1.2 if edge else 3.0, float(np.quantile(np.abs(codes), 0.99)) * 1.1)
        above.set_xlim(-reach, reach)
        above.set_ylim(-reach, reach)
        above.set_aspect("equal")
        style.dress(above, title=f"β = {number(setting.beta)}")
        end = edge or REACH
        line = np.linspace(-end, end, GRID)
        grid = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
        images = model.decode(grid.astype(np.float32))
        below.imshow(mosaic(images.reshape(GRID, GRID, *images.shape[1:])), interpolation="nearest",
                     extent=(-end, end, -end, end))  # fmt: skip
        style.dress(below)
        below.grid(False)
    what = f"coloured by {name}" if name else "images have no labels"
    style.caption(figure, f"Above: mean codes, {what}; outlines are the prior's, at 1 and 2 "
                  "standard deviations or its edge. Below: decoded grid.")  # fmt: skip
    return Drawn(figure, "The plane of codes", "Mean codes of the images with two latents, at "
                 + ", ".join(f"β = {number(s.beta)}" for s in shown) + ".")  # fmt: skip


def _colours(classes: int) -> str | ListedColormap:
    """A colour for each class."""
    if classes <= style.MANY:
        return ListedColormap([*style.colours_of(range(classes)).values()])
    return "tab10" if classes <= 10 else style.BETA_MAP


def _draw_prior(axes: Axes, edge: float | None) -> None:
    """One and two standard deviations of N(0, I); of a uniform prior its edge."""
    angle = np.linspace(0, 2 * np.pi, 100)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for outline in [edge * corners] if edge else [circle, 2 * circle]:
        axes.plot(*outline.T, color=style.QUIET, lw=0.7)


def _spread(settings: list[SettingSummary]) -> list[SettingSummary]:
    """At most MOST of them, evenly spaced over the range."""
    if len(settings) <= MOST:
        return settings
    places = np.linspace(0, len(settings) - 1, MOST).round().astype(int)
    return [settings[i] for i in places]
