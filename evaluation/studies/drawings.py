"""Writes the figures of a study, in the style of the report, as PNG and PDF."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.report.figures import style
from evaluation.report.material import Drawn
from trainer.files import write_atomically

KINDS = ("png", "pdf")
COLOURS = tuple(style.colours_of(range(style.MANY)).values())


def main(
    document: str | None, figures: Mapping[str, Callable[[], Drawn]], given: Sequence[str] | None
) -> int:
    """Draws each figure into a folder and prints what it shows; returns the exit code.

    document: docstring of the study's module. figures: by the stem of their files. given: the
    command line arguments.
    """
    parser = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the figures")
    folder = parser.parse_args(given).out
    folder.mkdir(parents=True, exist_ok=True)
    for stem, draw in figures.items():
        drawn = draw()
        for kind in KINDS:
            write_atomically(folder / f"{stem}.{kind}", style.content(drawn.figure, kind))
        print(f"{folder / stem}.png: {drawn.finding}", flush=True)
    return 0


def heading(figure: Figure, text: str) -> None:
    """The title of a figure of several panels."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold", color=style.INK)


def panel_title(axes: Axes, text: str) -> None:
    """The title of one of several panels."""
    axes.set_title(text, loc="left", fontsize=10, color=style.INK, pad=6)


def ellipse(covariance: NDArray[np.float64], points: int = 200) -> NDArray[np.float64]:
    """The ellipse of one standard deviation of a Gaussian in the plane, (2, points)."""
    turn = np.linspace(0, 2 * np.pi, points)
    root = np.linalg.cholesky(covariance)
    return root @ np.stack([np.cos(turn), np.sin(turn)])
