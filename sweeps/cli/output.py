"""How commands print: JSON for programs, tables for people."""

import json
from typing import Any

from rich.table import Table

from sweeps.console.printing import plain_console

console = plain_console()


def print_json(value: Any) -> None:
    """Prints one JSON value."""
    print(json.dumps(value, indent=1, allow_nan=False))


def table(*columns: str) -> Table:
    """A table with these columns, to fill and print."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def number(value: float | None) -> str:
    """A number formatted for people."""
    return "–" if value is None else f"{value:.4g}"


def interval(ends: tuple[float, float] | None) -> str:
    """Two ends formatted for people: `3.14 to 8.88`, or one value where they agree."""
    if ends is None:
        return "–"
    low, high = (f"{end:.3g}" for end in ends)
    return low if low == high else f"{low} to {high}"


def parameters(values: Any) -> str:
    """Parameters in one line: `beta=4, latents=10`."""
    shown = (
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in values.items()
    )
    return ", ".join(shown)
