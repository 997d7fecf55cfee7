"""What each latent responds to (Higgins et al. 2017, Fig. 6; Stühmer et al. 2019, Figs. 8-16)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from evaluation.analysis.formatting import number
from evaluation.analysis.settings.names import setting_label
from evaluation.report.figures import style
from evaluation.report.figures.traversals import mosaic
from evaluation.report.material import Drawn, Lacking, Material
from evaluation.report.traversals import traverse_run
from trainer.data.dataset import UNKNOWN, class_names_of
from trainer.data.holdout import unseen

IMAGES, LATENTS, CURVES, COLUMNS = 10_000, 8, 2, 7
FOLLOWS, NOISE = 0.3, 0.001  # shares; a probability, small as dozens of pairs are looked at
LEAST = 0.05  # of the prior's variance: with less, a latent's mean follows no factor


def of_sweep(sweep: Material) -> Drawn:
    """A row per latent of the typical best model, by the variance of its mean over images.

    A heat map of the mean over position, curves over the other ordered factors, a line per shape,
    and the latent's traversal.
    """
    from trainer.models import load_model

    data = sweep.images()
    factors = list(data.factors)
    if not factors:
        raise Lacking("no factor of the images is labelled")
    row = sweep.representative(sweep.choice.best)
    model = load_model(sweep.model_folder(row))
    labelled = np.flatnonzero((data.classes(np.arange(len(data))) != UNKNOWN).any(axis=1))
    if len(labelled) == 0:
        raise Lacking("no image is labelled")
    some = np.random.default_rng(0).choice(labelled, min(IMAGES, len(labelled)), replace=False)
    picked = np.sort(some)
    classes = data.classes(picked)
    means = np.concatenate([model.encode(data.images(part))[0] for part in _parts(picked)])
    order = np.argsort(-means.var(axis=0), kind="stable")[:LATENTS]
    plane, along, kinds = roles(dict(data.factors))
    panels = bool(plane) + len(along) + 1
    figure = style.new_figure(9.6, 0.9 + 1.05 * len(order))
    reach = getattr(model.pack.prior, "reach", None)  # of a uniform prior
    least = LEAST * (reach**2 / 3 if reach else 1.0)
    grid = figure.subplots(len(order), panels, squeeze=False,
                           width_ratios=[*[1.0] * (panels - 1), 3.0])  # fmt: skip
    shown = unseen(data)
    traversal = traverse_run(row, shown, [len(shown) // 2], len(means[0]))
    place = {int(z): i for i, z in enumerate(traversal.latents)}
    steps = np.linspace(0, len(traversal.values) - 1, COLUMNS).round().astype(int)
    for line, latent in zip(grid, order, strict=True):
        reach = range_of(means[:, latent], least)
        column = 0
        if plane:
            _draw_plane(
                line[0], means[:, latent], classes, [factors.index(n) for n in plane], reach
            )
            line[0].set_title(" × ".join(plane) if latent == order[0] else "", fontsize=9)
            column = 1
        for name in along:
            kind = factors.index(kinds) if kinds else None
            _draw_curves(line[column], means[:, latent], classes, factors.index(name), kind)
            line[column].set_ylim(-reach * 1.1, reach * 1.1)
            line[column].set_title(name if latent == order[0] else "", fontsize=9)
            if latent == order[-1]:
                _name_ends(line[column], class_names_of(data, name))
            column += 1
        strip = traversal.images[0, place[int(latent)]][steps]
        line[column].imshow(mosaic(strip[None]), interpolation="nearest")
        line[column].axis("off")
        ends = " to ".join(number(float(traversal.values[i])) for i in (0, -1))
        line[column].set_title(ends if latent == order[0] else "", fontsize=9)
        line[0].set_ylabel(f"z{latent}", rotation=0, ha="right", va="center", color=style.INK)
    lines = f"a line per {kinds}; " if kinds else ""
    if kinds and along:
        names = class_names_of(data, kinds)
        colours = style.colours_of(range(len(names))).values()
        handles = [Line2D([], [], color=c, label=n) for n, c in zip(names, colours, strict=True)]
        figure.legend(handles=handles, frameon=False, fontsize=9, labelcolor=style.INK,
                      loc="outside upper right", ncols=len(handles))  # fmt: skip
    style.caption(figure, f"{setting_label(sweep.choice.best)}, seed {row.seed}. "
                  f"{'Vertical: mean' if along else 'Mean'} code over {len(picked):,} labelled "
                  f"images"
                  f"{': blue low, yellow high' if plane else ''}; {lines}right: its "
                  "traversal.")  # fmt: skip
    return Drawn(
        figure,
        "What each latent responds to",
        _finding(means[:, order], classes, factors, order, least),
    )


def roles(factors: dict[str, int]) -> tuple[list[str], list[str], str]:
    """Which two factors span the heat map, which have curves, and which is the curves' lines.

    Positions by their names, else the two factors with the most classes. The lines are per `shape`.
    """
    kinds = "shape" if factors.get("shape", 0) > 1 else ""
    varied = [n for n, classes in factors.items() if classes > 1 and n != kinds]
    named = [n for n in varied if n.lower() in ("posx", "posy", "x", "y")]
    by_size = sorted(varied, key=lambda n: -factors[n])
    plane = named[:2] if len(named) >= 2 else by_size[:2]
    plane = plane if len(plane) == 2 else []
    return plane, [n for n in varied if n not in plane][:CURVES], kinds


def _parts(indices: NDArray[np.int64], size: int = 2048) -> list[NDArray[np.int64]]:
    return [indices[i : i + size] for i in range(0, len(indices), size)]


def range_of(values: NDArray[np.floating], least: float) -> float:
    """The largest of values (n,) to be shown, but at least the spread `least` (a variance).

    What the means of a dead latent still respond to, no sample carries.
    """
    return max(float(np.abs(values).max()), least**0.5)


def mean_by(values: NDArray[np.floating], *classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of values (n,) for each combination of classes (n,); nan where there is none."""
    sizes = [max(int(each.max()), 0) + 1 for each in classes]
    known = np.all([each >= 0 for each in classes], axis=0)
    cell = np.ravel_multi_index([each[known] for each in classes], sizes)
    total = np.bincount(cell, values[known], int(np.prod(sizes)))
    many = np.bincount(cell, minlength=int(np.prod(sizes)))
    with np.errstate(invalid="ignore"):
        return (total / many).reshape(sizes)


def _draw_plane(
    axes: Axes,
    values: NDArray[np.float32],
    classes: NDArray[np.int64],
    pair: list[int],
    reach: float,
) -> None:
    field = mean_by(values, classes[:, pair[1]], classes[:, pair[0]])
    axes.imshow(field, cmap=style.SCORE_MAP, vmin=-reach, vmax=reach, aspect="auto",
                interpolation="nearest")  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_curves(
    axes: Axes,
    values: NDArray[np.float32],
    classes: NDArray[np.int64],
    factor: int,
    kind: int | None,
) -> None:
    kinds = range(int(classes[:, kind].max()) + 1) if kind is not None else [None]
    colours = style.colours_of(range(len(kinds)))
    for i, which in enumerate(kinds):
        some = classes[:, kind] == which if which is not None else np.ones(len(values), bool)
        if some.any():
            axes.plot(mean_by(values[some], classes[some, factor]), color=colours[i], linewidth=1.3)
    axes.set_xticks([])
    axes.tick_params(labelsize=7, colors=style.QUIET, length=2)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color("#9ca3af")
    axes.axhline(0, color=style.GRID, linewidth=0.8, zorder=0)


def _name_ends(axes: Axes, names: Sequence[str]) -> None:
    """The first and the last class of a factor below its curves."""
    ends = sorted({0, len(names) - 1})
    axes.set_xticks(ends, [names[i] for i in ends], fontsize=7, color=style.QUIET)
    axes.tick_params(axis="x", length=2)


def _finding(
    means: NDArray[np.float32],
    classes: NDArray[np.int64],
    factors: list[str],
    order: NDArray[np.int64],
    least: float,
) -> str:
    said = []
    for i, latent in enumerate(order):
        if float(means[:, i].var()) < least:
            continue
        share = [explained(means[:, i], classes[:, f]) for f in range(len(factors))]
        most = int(np.argmax(share))
        if share[most] > FOLLOWS:
            said.append(f"z{latent} follows {factors[most]} ({share[most]:.0%} of its variance)")
    return "; ".join(said) + "." if said else "No latent follows a single factor."


def explained(values: NDArray[np.float32], classes: NDArray[np.int64]) -> float:
    """Share of the variance of values (n,) that classes (n,) explain: adjusted R².

    0 where noise would explain as much with a probability above NOISE (an F-test): the more classes
    and the fewer images, the more of the variance any labels explain.
    """
    from scipy.stats import f as f_distribution  # here, as importing it takes a while

    known = classes != UNKNOWN
    values, classes = values[known].astype(float), np.unique(classes[known], return_inverse=True)[1]
    between = int(classes.max(initial=0))
    within = len(values) - between - 1
    if between < 1 or within < 1 or values.var() == 0:
        return 0.0
    unexplained = float(((values - mean_by(values, classes)[classes]) ** 2).mean() / values.var())
    ratio = (1 - unexplained) / between / max(unexplained / within, 1e-12)
    if f_distribution.sf(ratio, between, within) > NOISE:
        return 0.0
    return max(0.0, 1 - unexplained * (len(values) - 1) / within)
