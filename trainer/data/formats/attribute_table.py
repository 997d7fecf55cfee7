"""Tables of integers by file name, like CelebA's: `000001.jpg -1 1 -1 …`, or as CSV."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.errors import UserError

_NUMBERS = re.compile(r"[+-]?\d+(\s+[+-]?\d+)*\s*")


@dataclass(frozen=True)
class Attributes:
    """names: column names, empty if the file has none. files: file name of each row.

    values: (rows, columns).
    """

    names: tuple[str, ...]
    files: tuple[str, ...]
    values: NDArray[np.int64]


def read(path: Path) -> Attributes:
    """The table in a file, with or without a row count and a header line above it.

    Raises UserError naming the file, and the line if known.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be read ({reason}); fetch it again") from None
    lines = text.replace(",", " ").splitlines()
    start = 1 if lines and lines[0].strip().isdecimal() else 0
    names: tuple[str, ...] = ()
    if len(lines) > start and not _is_row(lines[start]):
        names, start = tuple(lines[start].split()), start + 1
    rows = [line.split(None, 1) for line in lines[start:]]
    width = len(rows[0][1].split()) if rows and len(rows[0]) > 1 else 0
    if len(names) == width + 1:
        names = names[1:]  # without the name of the file column
    if not rows or (names and len(names) != width):
        raise UserError(f"{path}: {width} columns under {len(names)} names; fetch it again")
    for number, row in enumerate(rows, start + 1):
        if len(row) < 2 or not _NUMBERS.fullmatch(row[1]) or len(row[1].split()) != width:
            raise UserError(f"{path}, line {number}: expected a file and {width} integers")
    values = np.fromstring(" ".join(row[1] for row in rows), np.int64, sep=" ")
    return Attributes(names, tuple(row[0] for row in rows), values.reshape(len(rows), width))


def _is_row(line: str) -> bool:
    """Whether a line is a file's name and integers."""
    cells = line.split(None, 1)
    return len(cells) > 1 and _NUMBERS.fullmatch(cells[1]) is not None
