"""Labelled rows of images, shared by the figures of reconstructions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.report.figures import style
from evaluation.report.figures.traversals import mosaic
from trainer.data.dataset import Dataset


def some_images(data: Dataset, count: int) -> NDArray[np.float32]:
    """At most `count` images of `data`, always the same, (n, C, H, W) in [0, 1]."""
    picked = np.sort(np.random.default_rng(1).choice(len(data), min(count, len(data)), False))
    return (data.images(picked) / data.levels).astype(np.float32)


def draw(rows: Sequence[NDArray[np.float32]], labels: Sequence[str]) -> tuple[Figure, Axes]:
    """A figure of rows of as many images each, (n, C, H, W) in [0, 1], and its axes."""
    columns, _, height, width = rows[0].shape
    cell = 8.0 / columns
    figure = style.new_figure(9.6, 0.75 + len(rows) * cell * height / width)
    axes = figure.add_subplot()
    axes.imshow(mosaic(np.stack(rows)), extent=(0, columns, len(rows), 0), aspect="auto",
                interpolation="nearest")  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels, fontsize=8.5, color=style.INK)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure, axes
