"""The pieces of a report's page: every function gives HTML and escapes the text it is given."""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from evaluation.analysis.formatting import fixed, number


@dataclass(frozen=True)
class Column:
    """A column of a table: text stands left and may be wide, numbers right.

    decimals: of its numbers; None shows three significant digits.
    """

    heading: str
    text: bool = False
    wide: bool = False
    decimals: int | None = None


@dataclass(frozen=True)
class Row:
    """A row of a table: numbers are shown short and sorted in full; `best` rows stand out."""

    cells: Sequence[str | float]
    best: bool = False


def page(title: str, sections: Iterable[str]) -> str:
    """A whole HTML document of its own, which asks nothing of the network."""
    parts = {
        name: files(__package__).joinpath(f"report.{name}").read_text("utf-8") for name in _FILES
    }
    return Template(parts["html"]).substitute(
        title=escape(title), style=parts["css"], script=parts["js"], body="\n".join(sections)
    )


_FILES = ("html", "css", "js")


def section(heading: str, *content: str, intro: str = "") -> str:
    """A card with a heading, a quiet sentence and content that is HTML already."""
    text = f'<p class="quiet">{escape(intro)}</p>' if intro else ""
    return f"<section><h2>{escape(heading)}</h2>{text}{''.join(content)}</section>"


def header(heading: str, about: str) -> str:
    """The first lines of a page."""
    return f"<header><h1>{escape(heading)}</h1><p>{escape(about)}</p></header>"


def answer(label: str, headline: str, facts: Iterable[str], cautions: Iterable[str]) -> str:
    """The card with the answer: one thing in very large letters, its facts, and warnings."""
    known = "".join(facts)
    return (
        f'<section class="answer"><p class="label">{escape(label)}</p>'
        f'<p class="beta">{escape(headline)}</p>'
        + (f'<dl class="facts">{known}</dl>' if known else "")
        + f"{bullets(cautions, 'cautions')}</section>"
    )


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def bullets(texts: Iterable[str], kind: str) -> str:
    """A list of a CSS class; nothing when there are no texts."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def definitions(pairs: Mapping[str, str]) -> str:
    """Names and what they are, side by side."""
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs.items())
    return f'<dl class="plain">{items}</dl>' if items else ""


def fact(name: str, value: str, detail: str = "") -> str:
    """One large number with its name above and a detail below."""
    return (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(detail)}</small></dd></div>"
    )


def preformatted(text: str) -> str:
    """Text as it is, in a box."""
    return f"<pre>{escape(text)}</pre>"


def image(png: bytes, description: str, width: int) -> str:
    """A PNG image inside the page, `width` CSS pixels wide where there is room."""
    data = base64.b64encode(png).decode("ascii")
    return (
        f'<figure><img width="{width}" alt="{escape(description)}" '
        f'src="data:image/png;base64,{data}"></figure>'
    )


def table(columns: Sequence[Column], rows: Iterable[Row], sortable: bool = False) -> str:
    """A table that scrolls sideways where it must, and sorts by its headings when `sortable`."""
    head = "".join(f"<th{_classes(c)} scope=col>{escape(c.heading)}</th>" for c in columns)
    body = "".join(_table_row(columns, row) for row in rows)
    kind, tall = (' class="sortable"', " tall") if sortable else ("", "")
    return (
        f'<div class="scroll{tall}"><table{kind}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _table_row(columns: Sequence[Column], row: Row) -> str:
    cells = "".join(_cell(column, cell) for column, cell in zip(columns, row.cells, strict=True))
    return f'<tr class="best">{cells}</tr>' if row.best else f"<tr>{cells}</tr>"


def _cell(column: Column, cell: str | float) -> str:
    if isinstance(cell, str):
        return f"<td{_classes(column)}>{escape(cell)}</td>"
    shown = number(cell) if column.decimals is None else fixed(cell, column.decimals)
    key = f' data-value="{cell!r}"' if math.isfinite(cell) else ""
    return f"<td{_classes(column)}{key}>{shown}</td>"


def _classes(column: Column) -> str:
    names = [name for name in ("text", "wide") if getattr(column, name)]
    return f' class="{" ".join(names)}"' if names else ""
