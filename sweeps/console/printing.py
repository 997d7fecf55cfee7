"""How all that people read is printed: as it is, whatever brackets and colons a name holds."""

import shlex
import sys
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from sweeps.run_store import Store

WIDE = 200  # columns for a table that goes into a file or a pipe, so that no cell is broken


def plain_console(file: IO[str] | None = None, soft_wrap: bool = False) -> Console:
    """A console that changes nothing in what it prints, wide where standard output is no terminal.

    file: standard output by default. soft_wrap: leaves it to the terminal to break long lines.
    """
    width = None if file is not None or sys.stdout.isatty() else WIDE
    return Console(
        file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap
    )


def bold(text: str) -> Text:
    """A text in bold."""
    return Text(text, style="bold")


def command(does: str, *words: str, store: "Store") -> str:
    """A command of ours on this store, to be copied into a shell.

    >>> from sweeps.run_store import Store
    >>> command("best", "mine", store=Store("/my store"))
    "sweep best mine --store '/my store'"
    """
    return shlex.join(["sweep", does, *words, "--store", store.location])
