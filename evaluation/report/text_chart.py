"""The inverted U as text, for a terminal with enough room."""

import math
from collections.abc import Sequence
from itertools import pairwise

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import number
from evaluation.report.charts.axis import axis_of
from evaluation.report.figures.series import SettingSeries, series_of

MIN_WIDTH, MAX_WIDTH, HEIGHT = 50, 100, 12  # characters
MARKERS, PLAIN_MARKERS = "●■▲◆▼★", "ox+*#%"
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of braille, by row and column


def inverted_u(choice: Choice, width: int, plain: bool = False) -> str:
    """Score against the swept parameter, a marker per setting; "" if too narrow or too few points.

    width: characters available. plain: only ASCII, for terminals without other characters.
    """
    axis = axis_of(choice)
    lines = [
        line
        for line in series_of(choice, axis)
        if sum(s.finished > 0 and math.isfinite(s.score) for s in line.settings) > 1
    ][: len(MARKERS)]
    points = [
        [(axis(s), s.score) for s in line.settings if s.finished and axis(s) > 0] for line in lines
    ]
    drawn = [place for part in points for place in part if math.isfinite(place[1])]
    xs, ys = [x for x, _ in drawn], [y for _, y in drawn]
    if width < MIN_WIDTH or len(set(xs)) < 3:
        return ""
    low, high = min(ys), max(ys)
    margin = max(len(f"{low:.2f}"), len(f"{high:.2f}")) + 2
    columns = min(width, MAX_WIDTH) - margin - 1
    grid = _Grid(columns, HEIGHT, [math.log(x) for x in xs], (low, high), plain)
    for marker, part in zip(PLAIN_MARKERS if plain else MARKERS, points, strict=False):
        places = [(math.log(x), y) for x, y in part if math.isfinite(y)]
        grid.join(places)
        for place in places:
            grid.mark(place, marker)
    edge = "|" if plain else "│"
    labels = {0: f"{high:.2f}", HEIGHT - 1: f"{low:.2f}"}
    rows = [f"{labels.get(i, ''):>{margin - 1}} {edge}{row}" for i, row in enumerate(grid.rows())]
    ends = [number(min(xs)), number(max(xs))]
    name = "normalised beta" if plain else "normalised β"
    what = name if axis.parameter == "" else axis.label
    between = what.center(max(0, columns - sum(map(len, ends))))
    rows.append(" " * (margin + 1) + ends[0] + between + ends[1])
    return "\n".join([*rows, *_legend(lines, plain, margin)])


def _legend(lines: Sequence[SettingSeries], plain: bool, margin: int) -> list[str]:
    markers = PLAIN_MARKERS if plain else MARKERS
    named = [f"{m} {line.label}" for m, line in zip(markers, lines, strict=False) if line.label]
    return [" " * (margin + 1) + "   ".join(named)] if len(named) > 1 else []


class _Grid:
    """Characters with 2 × 4 dots each, and markers on top."""

    def __init__(
        self, columns: int, rows: int, x: Sequence[float], y: tuple[float, float], plain: bool
    ):
        self._columns, self._rows, self._plain = columns, rows, plain
        self._left, self._wide = min(x), (max(x) - min(x)) or 1.0
        self._low, self._tall = y[0], (y[1] - y[0]) or 1.0
        self._dots = [[0] * columns for _ in range(rows)]
        self._marks: dict[tuple[int, int], str] = {}

    def mark(self, place: tuple[float, float], marker: str) -> None:
        """A marker at (x, y)."""
        column, row = self._at(place)
        self._marks[round(row * (self._rows - 1)), round(column * (self._columns - 1))] = marker

    def join(self, places: Sequence[tuple[float, float]]) -> None:
        """Dots along the straight lines between places."""
        steps = 4 * self._columns
        for first, second in pairwise(places):
            (x1, y1), (x2, y2) = self._at(first), self._at(second)
            for i in range(steps + 1):
                share = i / steps
                self._dot(x1 + share * (x2 - x1), y1 + share * (y2 - y1))

    def rows(self) -> list[str]:
        """The lines of text, highest score at the top."""
        return [
            "".join(self._character(row, column) for column in range(self._columns)).rstrip()
            for row in range(self._rows)
        ]

    def _at(self, place: tuple[float, float]) -> tuple[float, float]:
        """Fractions of the width from the left and of the height from the top."""
        x, y = place
        return (x - self._left) / self._wide, 1 - (y - self._low) / self._tall

    def _dot(self, x: float, y: float) -> None:
        column, row = round(x * (2 * self._columns - 1)), round(y * (4 * self._rows - 1))
        self._dots[row // 4][column // 2] |= DOTS[row % 4][column % 2]

    def _character(self, row: int, column: int) -> str:
        dots = self._dots[row][column]
        lines = " " if not dots else "." if self._plain else chr(0x2800 + dots)
        return self._marks.get((row, column), lines)
