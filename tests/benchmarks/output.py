"""What all benchmarks do with their figures: print them as a table, and write them as JSON."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--json PATH`."""
    parser.add_argument("--json", type=Path, help="file that gets the figures")


def show(
    rows: Sequence[Mapping[str, Any]],
    arguments: argparse.Namespace,
    columns: Mapping[str, tuple[str, str]],
    **facts: Any,
) -> None:
    """Prints a table of `rows`; with --json, writes them, the options and `facts` as well.

    columns: what is printed of a row: key -> (title, format); None is printed as "-".
    """
    table = Table(*(title for title, _ in columns.values()))
    for row in rows:
        table.add_row(*(_text(row[key], form) for key, (_, form) in columns.items()))
    console = Console()
    whole = console.measure(table, options=console.options.update_width(1000)).maximum
    Console(width=max(console.width, whole)).print(table)  # in a file, no column is cut
    if arguments.json:
        options = {key: value for key, value in vars(arguments).items() if key != "json"}
        machine = {"threads": torch.get_num_threads(), "torch": torch.__version__}
        figures = {"options": options, **machine, **facts, "rows": list(rows)}
        arguments.json.write_text(json.dumps(figures, indent=1, default=str) + "\n")


def show_figures(figures: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    """The same for figures by name."""
    rows = [{"figure": name, "value": value} for name, value in figures.items()]
    show(rows, arguments, {"figure": ("figure", ""), "value": ("value", ",.3f")})


def _text(value: Any, form: str) -> str:
    return "-" if value is None else format(value, form)
