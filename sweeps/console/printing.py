"""How text for people is printed: literally, whatever brackets and colons a name contains."""

import shlex
import sys
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from sweeps.run_store import Store

WIDE = 200  # columns for a table written to a file or a pipe, so that no cell is wrapped


def plain_console(file: IO[str] | None = None, soft_wrap: bool = False) -> Console:
    """A console that prints text unchanged, wide where standard output is not a terminal.

    file: standard output by default. soft_wrap: leaves line wrapping to the terminal.
    """
    width = None if file is not None or sys.stdout.isatty() else WIDE
    return Console(
        file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap
    )


def bold(text: str) -> Text:
    """Bold text."""
    return Text(text, style="bold")


def command(does: str, *words: str, store: "Store") -> str:
    """A `sweep` command on this store, for copying into a shell.

    >>> from sweeps.run_store import Store
    >>> command("best", "mine", store=Store("/my store"))
    "sweep best mine --store '/my store'"
    """
    return shlex.join(["sweep", does, *words, "--store", store.location])
