"""Perfect codes in rotated axes: what disentanglement metrics make of them.

Appendix C of "Preliminary theoretical troubleshooting in variational autoencoder": to a VAE's
objective, factors v ~ N(0, I) and codes z = Q v with orthogonal Q are equally good; the metric of
Higgins et al. 2017 tells them apart.

    python -m evaluation.studies.rotated_codes --out rotated-codes

two_factors.png     the metric's points z_diff of two factors as Q rotates, and scores by angle
random_turns.png    the score of randomly rotated codes, for 2 to 10 factors
"""

import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from torch import Tensor

from evaluation.metrics.dci import dci
from evaluation.metrics.factorvae import factorvae
from evaluation.metrics.higgins import higgins
from evaluation.metrics.mig import mig
from evaluation.report.figures import style
from evaluation.report.material import Drawn
from evaluation.studies.drawings import COLOURS, heading, main, panel_title

LEVELS = 16  # classes of a factor, as a metric needs images that agree in one
IMAGES = 8_000
POINTS = 1_000  # training and test points of Higgins' metric: enough for perfect codes
DEGREES = (0, 5, 10, 20, 30, 40, 45)
SIZES, TRIALS = (2, 3, 5, 10), 12


class GaussianFactors:
    """Images of the classes of independent factors, each N(0, 1) cut at its quantiles.

    It is a `trainer.data.dataset.Dataset`.
    """

    name, source, levels = "gaussian factors", "made up", LEVELS - 1

    def __init__(self, factors: int, count: int = IMAGES, seed: int = 0):
        self.fingerprint = self.labels_fingerprint = f"{factors}-{count}-{seed}"
        self.factors: Mapping[str, int] = {f"v{n + 1}": LEVELS for n in range(factors)}
        self.shape = (1, 1, factors)
        self._classes = np.random.default_rng(seed).integers(0, LEVELS, (count, factors))

    def __len__(self) -> int:
        return len(self._classes)

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """The classes, as pixels (n, 1, 1, factors)."""
        return self.classes(indices).astype(np.uint8).reshape(-1, *self.shape)

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Classes (n, factors)."""
        return self._classes[np.asarray(indices)]

    def stored(self) -> NDArray[np.uint8]:
        """All pixels, (N, factors)."""
        return self._classes.astype(np.uint8)


def values() -> NDArray[np.float64]:
    """A factor's value for each of its classes, (LEVELS,): the median of its part of N(0, 1)."""
    middle: NDArray[np.float64] = stats.norm.ppf((np.arange(LEVELS) + 0.5) / LEVELS)
    return middle / middle.std()


def code(turn: NDArray[np.float64]) -> Callable[[Tensor], Tensor]:
    """The encoder z = Q v of `GaussianFactors`; turn: Q (H, H)."""
    known, q = torch.from_numpy(values()).float(), torch.from_numpy(turn).float()

    def represent(images: Tensor) -> Tensor:
        classes = (images.reshape(len(images), -1) * (LEVELS - 1)).round().long()
        return known[classes] @ q.T

    return represent


def z_diff(turn: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """E|z1 - z2| of pairs that share the factor y, (H,): 2/sqrt(pi) · sqrt(1 - q_y^2), Eq. 35.

    q_y: the column of Q for factor y. The paper has the prefactor 2 sqrt(2/pi); but a difference of
    variance 2 - 2 q^2 has a mean size of sqrt(2/pi) times its standard deviation, which is smaller
    by sqrt(2). No score is affected.
    """
    return 2 / np.sqrt(np.pi) * np.sqrt(np.maximum(0.0, 1 - turn[:, factor] ** 2))


def plane_turn(degrees: float) -> NDArray[np.float64]:
    """Q (2, 2) of a rotation in the plane."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def random_turn(size: int, seed: int) -> NDArray[np.float64]:
    """Q (size, size), uniform over all rotations and reflections."""
    turn: NDArray[np.float64] = stats.ortho_group.rvs(size, random_state=seed)
    return turn


def two_factors() -> Drawn:
    """Left: z_diff of each factor at several angles. Right: the scores of four metrics."""
    data = GaussianFactors(2)
    figure = style.new_figure(9.6, 4.4)
    places, along = figure.subplots(1, 2, width_ratios=[1, 1.35])
    for degrees, marker in zip((0, 20, 35, 45), "^sDo", strict=True):
        points = np.array([z_diff(plane_turn(degrees), factor) for factor in range(2)])
        places.plot(*points.T, color="#9ca3af", linewidth=0.8, linestyle=":", zorder=1)
        for factor in (1, 0):
            places.scatter(*points[factor], marker=marker, s=48 if factor == 0 else 170, zorder=3,
                           color=COLOURS[factor], edgecolors="white")  # fmt: skip
        places.annotate(f"{degrees}°", points[0], xytext=(9, 2), textcoords="offset points",
                        fontsize=9, color=style.INK)  # fmt: skip
    style.dress(places, xlabel="mean of |$z_1 - z_1'$|", ylabel="mean of |$z_2 - z_2'$|")
    panel_title(places, "z_diff of pairs that share $v_1$ (blue), $v_2$ (vermillion)")
    places.set_aspect("equal")
    scores = {name: [score(data, plane_turn(d)) for d in DEGREES] for name, score in SCORES.items()}
    for (name, found), colour, marker in zip(scores.items(), COLOURS, "osD^", strict=False):
        wide = 4.5 if name == "Higgins" else 1.8  # so that it shows below another line
        along.plot(DEGREES, found, color=colour, marker=marker, linewidth=wide,
                   markersize=5 + wide, markeredgecolor="white", label=name)  # fmt: skip
    along.axhline(0.5, color=style.QUIET, linewidth=1, linestyle=":")
    along.annotate("chance", (DEGREES[-1], 0.5), xytext=(-8, -12), ha="right", fontsize=8.5,
                   textcoords="offset points", color=style.QUIET)  # fmt: skip
    style.dress(along, xlabel="rotation of the code, degrees", ylabel="score")
    along.set_ylim(-0.03, 1.05)
    along.set_xticks(range(0, 50, 15))
    along.legend(
        frameon=False, fontsize=9, labelcolor=style.INK, loc="center", bbox_to_anchor=(0.6, 0.72)
    )
    heading(figure, "A perfect code in rotated axes")
    style.caption(figure, "At 45° the points of both factors coincide, so nothing tells them "
                  "apart. Every rotation contains the same information.")  # fmt: skip
    ranges = ", ".join(f"{name} {found[0]:.2f} → {found[-1]:.2f}" for name, found in scores.items())
    return Drawn(figure, "Two factors", f"From 0° to 45°: {ranges}.")


def random_turns() -> Drawn:
    """The Higgins score of randomly rotated codes, a column per number of factors."""
    figure = style.new_figure(9.6, 4.2)
    axes = figure.add_subplot()
    ranges = []
    for place, size in enumerate(SIZES):
        data = GaussianFactors(size)
        found = [higgins_score(data, random_turn(size, seed)) for seed in range(TRIALS)]
        offsets = place + 0.3 * (np.arange(TRIALS) / (TRIALS - 1) - 0.5)
        axes.scatter(offsets, found, s=26, color=COLOURS[0], alpha=0.75, linewidths=0, zorder=3)
        straight = higgins_score(data, np.eye(size))
        axes.hlines(straight, place - 0.32, place + 0.32, color=COLOURS[2], linewidth=2.2)
        axes.hlines(1 / size, place - 0.32, place + 0.32, color=style.QUIET, linewidth=1,
                    linestyle=":")  # fmt: skip
        ranges.append(f"{min(found):.2f} to {max(found):.2f} with {size}")
    style.dress(axes, title="Higgins score of perfect codes, randomly rotated",
                xlabel="factors, and as many latents", ylabel="Higgins score")  # fmt: skip
    axes.set_xticks(range(len(SIZES)), [str(size) for size in SIZES])
    axes.grid(False, axis="x")
    axes.set_ylim(0, 1.05)
    style.caption(figure, f"Dots: {TRIALS} random rotations each. Green: the unrotated code. "
                  "Dotted: chance.")  # fmt: skip
    return Drawn(figure, "Random rotations", f"Randomly rotated, they score {', '.join(ranges)} "
                 "factors.")  # fmt: skip


def higgins_score(data: GaussianFactors, turn: NDArray[np.float64]) -> float:
    """The Higgins score of the code Q v."""
    return float(higgins(code(turn), data, train=POINTS, test=POINTS).score)


def _mig_score(data: GaussianFactors, turn: NDArray[np.float64]) -> float:
    return float(mig(code(turn), data, estimate="means").score)


SCORES: dict[str, Callable[[GaussianFactors, NDArray[np.float64]], float]] = {
    "Higgins": higgins_score,
    "FactorVAE": lambda data, turn: float(factorvae(code(turn), data).score),
    "MIG": _mig_score,
    "DCI": lambda data, turn: float(dci(code(turn), data).score),
}

FIGURES = {"two_factors": two_factors, "random_turns": random_turns}


def command(given: Sequence[str] | None = None) -> int:
    """As `python -m evaluation.studies.rotated_codes`."""
    return main(__doc__, FIGURES, given)


if __name__ == "__main__":
    sys.exit(command())
