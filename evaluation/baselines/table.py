"""The table of Higgins et al. 2017, Fig. 5: the paper's figures beside those measured here."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.analysis.choose import better_half


@dataclass(frozen=True)
class Paper:
    """A row as the paper has it: accuracy in percent ± spread; no spread for the ground truth."""

    label: str
    score: float
    spread: float | None


FIGURE_5: Mapping[str, Paper] = {
    "ground_truth": Paper("Ground truth", 100.0, None),
    "raw_pixels": Paper("Raw pixels", 45.75, 0.8),
    "pca": Paper("PCA", 84.9, 0.4),
    "ica": Paper("ICA", 42.03, 10.6),
    "dc_ign": Paper("DC-IGN", 99.3, 0.1),
    "infogan": Paper("InfoGAN", 73.5, 0.9),
    "untrained_vae": Paper("VAE untrained", 44.14, 2.5),
    "vae": Paper("VAE (β = 1)", 61.58, 0.5),
    "beta_vae": Paper("β-VAE (β = 4)", 99.23, 0.1),
}


@dataclass(frozen=True)
class Line:
    """A row of the table, in percent.

    score, spread: mean and standard deviation of the better half of the scores; None when there are
        none (spread: when there is one).
    """

    name: str
    paper: Paper
    score: float | None
    spread: float | None

    @property
    def difference(self) -> float | None:
        """Points above the paper's figure."""
        return None if self.score is None else self.score - self.paper.score

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Label, figure here, the paper's figure and the difference, as people read them."""
        difference = "–" if self.difference is None else f"{self.difference:+.2f}"
        return (
            self.paper.label,
            _figure(self.score, self.spread),
            _figure(self.paper.score, self.paper.spread),
            difference.replace("-", "−"),
        )


HEADINGS = ("", "here, %", "paper, %", "difference")


def table(scores: Mapping[str, Sequence[float]]) -> tuple[Line, ...]:
    """Fig. 5's table from all scores, in [0, 1], of each row (all replicas and classifiers).

    The worse half of a row's scores is discarded (A.4), for every row alike.
    Rows without scores stay, with the paper's figures alone. Raises KeyError for an unknown row.
    """
    unknown = scores.keys() - FIGURE_5.keys()
    if unknown:
        raise KeyError(f"not in Fig. 5: {', '.join(sorted(unknown))}")
    return tuple(_line(name, scores.get(name, ())) for name in FIGURE_5)


def text(lines: Sequence[Line]) -> str:
    """The table in aligned columns, one line a row."""
    rows = [HEADINGS, *(line.cells for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    )


def _line(name: str, scores: Sequence[float]) -> Line:
    if not scores:
        return Line(name, FIGURE_5[name], None, None)
    kept = [100 * score for score in better_half(scores, "maximize")]
    spread = statistics.stdev(kept) if len(kept) > 1 else None
    return Line(name, FIGURE_5[name], statistics.fmean(kept), spread)


def _figure(score: float | None, spread: float | None) -> str:
    if score is None:
        return "–"
    return f"{score:.2f}" + ("       " if spread is None else f" ± {spread:4.1f}")
