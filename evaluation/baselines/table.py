"""The table of Higgins et al. 2017, Fig. 5: the paper's scores next to those measured here."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.analysis.settings.policies import better_half


@dataclass(frozen=True)
class Paper:
    """A row as in the paper: accuracy in percent ± spread; none given for the ground truth."""

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

    score, spread: mean and standard deviation of the better half of the scores; None without
        scores (spread: with one).
    comparable: whether the score was measured on the paper's data; otherwise no difference is
        given.
    note: what a reader of the row needs to know.
    """

    name: str
    paper: Paper
    score: float | None
    spread: float | None
    comparable: bool = True
    note: str = ""

    @property
    def difference(self) -> float | None:
        """Points above the paper's score."""
        if self.score is None or not self.comparable:
            return None
        return self.score - self.paper.score


def table(
    scores: Mapping[str, Sequence[float]],
    comparable: bool = True,
    notes: Mapping[str, str] | None = None,
) -> tuple[Line, ...]:
    """Fig. 5's table from all scores, in [0, 1], of each row (all replicas and classifiers).

    The worse half of every row's scores is discarded (A.4).
    comparable: whether they were measured on the paper's data. If so, rows without scores stay,
    with only the paper's scores; on other data they are left out. notes: by row.
    Raises KeyError for an unknown row.
    """
    unknown = scores.keys() - FIGURE_5.keys()
    if unknown:
        raise KeyError(f"not in Fig. 5: {', '.join(sorted(unknown))}")
    names = [name for name in FIGURE_5 if comparable or name in scores]
    return tuple(
        _line(name, scores.get(name, ()), comparable, (notes or {}).get(name, "")) for name in names
    )


def cells(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """The table formatted for people, headings first.

    Label, our score; on the paper's data, the paper's score and the difference; notes if any.
    """
    rows: list[tuple[str, ...]] = [("", "here, %")]
    rows += [(line.paper.label, _figure(line.score, line.spread)) for line in lines]
    if any(line.comparable for line in lines):
        papers = [("paper, %", "difference"), *map(_paper_cells, lines)]
        rows = [row + more for row, more in zip(rows, papers, strict=True)]
    if any(line.note for line in lines):
        notes = ["note", *(line.note for line in lines)]
        rows = [(*row, note) for row, note in zip(rows, notes, strict=True)]
    return rows


def title(lines: Sequence[Line]) -> str:
    """The table's title."""
    if any(line.comparable for line in lines):
        return "Higgins et al. 2017, Fig. 5"
    return "Higgins score, next to baselines"


def text(lines: Sequence[Line]) -> str:
    """The table in aligned columns, one line per row."""
    rows = cells(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = {0, *(i for i, heading in enumerate(rows[0]) if heading == "note")}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _line(name: str, scores: Sequence[float], comparable: bool, note: str) -> Line:
    if not scores:
        return Line(name, FIGURE_5[name], None, None, comparable)
    kept = [100 * score for score in better_half(scores, "maximize")]
    spread = statistics.stdev(kept) if len(kept) > 1 else None
    return Line(name, FIGURE_5[name], statistics.fmean(kept), spread, comparable, note)


def _paper_cells(line: Line) -> tuple[str, str]:
    difference = "–" if line.difference is None else f"{line.difference:+.2f}"
    return _figure(line.paper.score, line.paper.spread), difference.replace("-", "−")


def _figure(score: float | None, spread: float | None) -> str:
    if score is None:
        return "–"
    return f"{score:.2f}" + ("       " if spread is None else f" ± {spread:4.1f}")
