"""Tables of the report: their content and the format of cells. The template lays them out."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluation.analysis.formatting import fixed, number


@dataclass(frozen=True)
class Column:
    """A column: text is left-aligned and may be wide, numbers right-aligned; `run`: run buttons.

    decimals: of its numbers; None shows three significant digits.
    """

    heading: str
    text: bool = False
    wide: bool = False
    run: bool = False
    decimals: int | None = None

    @property
    def classes(self) -> str:
        """The CSS classes of its cells."""
        return " ".join(name for name in ("text", "wide") if getattr(self, name))


@dataclass(frozen=True)
class Cell:
    """The text of a cell, and the unrounded number it is sorted by; None for text."""

    text: str
    sort: float | None = None


@dataclass(frozen=True)
class Row:
    """A row: numbers are shown rounded and sorted unrounded; `best` rows are highlighted.

    key: of the run or setting in the charts' data, by which the page's filters find the row.
    """

    cells: Sequence[str | float]
    best: bool = False
    key: str = ""

    def of(self, columns: Sequence[Column]) -> Iterator[tuple[Column, Cell]]:
        """Each cell with its column."""
        for column, cell in zip(columns, self.cells, strict=True):
            yield column, _cell(column, cell)


@dataclass(frozen=True)
class Table:
    """caption: read by screen readers. sortable: by clicking its headings."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    sortable: bool = False


def _cell(column: Column, cell: str | float) -> Cell:
    if isinstance(cell, str):
        return Cell(cell)
    shown = number(cell) if column.decimals is None else fixed(cell, column.decimals)
    return Cell(shown, cell if math.isfinite(cell) else None)
