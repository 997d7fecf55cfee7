"""Traversal grids: a row per latent, a column per value (Higgins et al. 2017, Fig. 6)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.analysis.formatting import fixed, number
from evaluation.report.figures import style
from evaluation.report.traversals import Traversal
from trainer.live_latents import LIVE

BETWEEN = 0.5  # between blocks, and between a block and its input, in images
WIDTH = 9.6  # inches
CELL = 0.62  # inches at most


def draw(traversal: Traversal) -> Figure:
    """A block of rows and columns for every image; above each, that image and its reconstruction.

    Labels give each latent and its KL in nats; latents that are not live are labelled in grey.
    """
    blocks, rows, columns, _, height, width = traversal.images.shape
    total = blocks * (columns + BETWEEN) - BETWEEN  # in images
    cell = min(CELL, (WIDTH - 1.4) / total)
    tall = (rows + 1 + BETWEEN) * cell * height / width
    figure = style.new_figure(1.25 + cell * total, tall + 1.0)
    axes = figure.add_subplot()
    for block in range(blocks):
        left = block * (columns + BETWEEN)
        pair = np.stack([traversal.inputs[block], traversal.reconstructions[block]])[None]
        _show(axes, pair, left, top=0.0)
        _show(axes, traversal.images[block], left, top=1 + BETWEEN)
    axes.set_xlim(0, total)
    axes.set_ylim(rows + 1 + BETWEEN, 0)
    axes.set_aspect(height / width, anchor="NW")
    _label(axes, traversal, total)
    style.caption(
        figure,
        "Top: input and reconstruction. Below: each row varies one latent; the others stay fixed. "
        f"Grey: not live (at most {LIVE} nats).",
    )
    return figure


def mosaic(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images (rows, columns, C, H, W) in [0, 1], C 1 or 3, as one (height, width, 3)."""
    rows, columns, _, height, width = images.shape
    gap = max(1, height // 20)
    sheet = np.ones((rows * (height + gap), columns * (width + gap), 3), np.float32)
    for row, column in np.ndindex(rows, columns):
        y, x = row * (height + gap), column * (width + gap)
        sheet[y : y + height, x : x + width] = images[row, column].transpose(1, 2, 0)
    return sheet[:-gap, :-gap].clip(0, 1)


def _show(axes: Axes, images: NDArray[np.float32], left: float, top: float) -> None:
    """Images (rows, columns, C, H, W), one unit per image, with their corner at (left, top)."""
    rows, columns = images.shape[:2]
    extent = (left, left + columns, top + rows, top)
    axes.imshow(mosaic(images), extent=extent, interpolation="nearest", aspect="auto")


def _label(axes: Axes, traversal: Traversal, total: float) -> None:
    columns = len(traversal.values)
    axes.set_yticks(
        1 + BETWEEN + np.arange(len(traversal.latents)) + 0.5,
        [f"z{z}  {fixed(kl, 2)}" for z, kl in zip(traversal.latents, traversal.kl, strict=True)],
        fontsize=9,
    )
    style.grey_dead(axes, traversal.kl)
    axes.text(
        -0.1, 1 + BETWEEN / 2, "KL, nats", ha="right", va="center", fontsize=9, color=style.QUIET
    )
    shown = sorted({0, columns // 2, columns - 1})
    lefts = np.arange(len(traversal.images)) * (columns + BETWEEN)
    axes.set_xticks(
        [left + column + 0.5 for left in lefts for column in shown],
        [number(float(traversal.values[column])) for _ in lefts for column in shown],
        fontsize=9,
        color=style.QUIET,
    )
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(
        traversal.title, loc="left", fontsize=12, fontweight="bold", color=style.INK, pad=10
    )
