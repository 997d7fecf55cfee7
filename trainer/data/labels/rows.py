"""Which image each row of a label table describes: by its number, or by its file name."""

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from trainer.config.schema import suggestion
from trainer.data.dataset import UNKNOWN, Dataset
from trainer.data.formats.picture_folder import ENDINGS
from trainer.data.labels.factors import counts_rows, is_identifier, is_whole
from trainer.data.labels.label_table import HELP, LabelTable
from trainer.data.labels.unknown_cells import known_cells
from trainer.errors import UserError

_INDEX = "index"
_INDEXES = (_INDEX, "", "idx", "unnamed: 0")  # "Unnamed: 0": a table that pandas saved twice
# usual headers of the column of file names, in order of preference
_HEADERS = (
    *("file", "filename", "file_name", "filepath", "file_path", "path", "image", "image_name"),
    *("image_path", "image_file", "img", "img_name", "img_path", "image_id", "imageid", "picture"),
    *("photo", "frame", "name", "id", "key"),
)
_NUMBERS = frozenset({"index", "id", "image_id", "imageid"})  # never factors next to files
_AMBIGUOUS = -2
_MIN_ROWS = 4  # in fewer, numbers may be consecutive by chance


@dataclass(frozen=True)
class Rows:
    """images: (rows,) the image of each row, -1 if it does not exist. used: the columns that
    identify images or number rows, and hence are not factors. remarks: full sentences.
    """

    images: NDArray[np.int64]
    used: frozenset[str]
    remarks: tuple[str, ...]


def match(table: LabelTable, data: Dataset) -> Rows:
    """The images that the rows describe. Raises UserError naming the file, line and column."""
    files: tuple[str, ...] = getattr(data, "files", ())
    if table.by_position:
        said = f"{table.path.name}: its rows are the images, in order"
        return Rows(np.arange(len(data)), frozenset(), (said,))
    by_header = {name.lower(): name for name in table.columns}
    column = _file_column(table, files) if files else None
    if column is not None:
        images, remarks = _by_file(table, column, files)
        others = [
            by_header[n]
            for n in (*_NUMBERS, *_INDEXES[1:])
            if n in by_header and by_header[n] != column
        ]
        counting = [n for n in others if n.lower() in _INDEXES or counts_rows(table.columns[n])]
        used = frozenset({column, *counting})
        remarks += tuple(
            f"{table.path.name}: {f'the column {n}' if n else 'a column without a name'} numbers "
            "the rows, and is not a factor"
            for n in counting
        )
    else:
        index = _index_column(table, by_header, bool(files))
        images, remarks = _by_index(table, index, len(data))
        used = frozenset({index})
        if files and [*files] != sorted(files):
            last = len(files) - 1
            remarks += (
                f"{table.path.name} counts the images in natural order: 0 is {files[0]}, "
                f"{last} is {files[last]}",
            )
    remarks += tuple(f"{table.path.name} {remark}" for remark in table.remarks)
    images, twice = _once(table, column or _INDEX, images)
    numbered = _identifiers(table, used)
    remarks += tuple(
        f"{name} is left out: a different number in each row is not a factor" for name in numbered
    )
    return Rows(images, used.union(numbered), remarks + twice)


def integers(table: LabelTable, name: str) -> NDArray[np.int64]:
    """The integers in a column; UNKNOWN where marked as unknown."""
    column = table.columns[name]
    if column.dtype.kind == "b":
        return column.astype(np.int64)
    known = (column != UNKNOWN) if column.dtype.kind == "i" else known_cells(column)[0]
    numbers = np.full(len(column), UNKNOWN, np.int64)
    column = _without_fraction(column)
    try:
        numbers[known] = column[known].astype(np.int64)
        wrong = known & (numbers != column) if column.dtype.kind == "f" else np.zeros(len(column))
    except (ValueError, OverflowError):
        wrong = np.array([k and not is_whole(text) for text, k in zip(column, known, strict=True)])
    if wrong.any():
        row = int(np.argmax(wrong))
        raise table.problem(row, name, f"expected an integer, got {str(column[row])!r}")
    return numbers


def _without_fraction(column: NDArray) -> NDArray:
    """Strings such as "3.0", as in many tables with empty cells, as "3"."""
    if column.dtype.kind != "U" or not any(text.endswith(".0") for text in column):
        return column
    return np.array([text.removesuffix(".0") for text in column], np.str_)


def _index_column(table: LabelTable, by_header: Mapping[str, str], files: bool) -> str:
    for name in _INDEXES:
        if name in by_header:
            return by_header[name]
    expected = "index or file" if files else _INDEX
    found = ", ".join(name[:40] for name in [*table.columns][:12])
    raise UserError(f"{table.path}: no column {expected} among {found}; {HELP}")


def _file_column(table: LabelTable, files: Sequence[str]) -> str | None:
    """The column with the most image names; None if there is none by header or content.

    If none matches, the one with a usual header, so that the error can name it.
    """
    finder = _Finder(files)
    by_header = {name.lower(): name for name in table.columns}
    named = [by_header[name] for name in _HEADERS if name in by_header]
    others = [name for name in table.columns if name not in named and name.lower() != _INDEX]
    best, most = None, 0
    for name in [*named, *others]:
        column = table.columns[name]
        if name not in named and (column.dtype.kind != "U" or all(map(is_whole, column[:99]))):
            continue  # numbers are file names only if the header says so
        found = sum(finder.find(str(cell)) != UNKNOWN for cell in column)
        if found > most and (name in named or 2 * found >= len(column)):
            best, most = name, found
    if best is not None:
        return best
    return named[0] if named and _INDEX not in by_header else None


def _by_file(
    table: LabelTable, column: str, files: Sequence[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    finder = _Finder(files)
    cells = [str(cell) for cell in table.columns[column]]
    images = np.array([finder.find(cell) for cell in cells], np.int64).reshape(len(cells))
    twofold = np.flatnonzero(images == _AMBIGUOUS)
    if twofold.size:
        name = cells[twofold[0]]
        problem = f"{name!r} matches several images; include their folders"
        raise table.problem(int(twofold[0]), column, problem)
    absent = np.flatnonzero(images == UNKNOWN)
    if not absent.size:
        return images, ()
    first = int(absent[0])
    if len(absent) == len(images):
        problem = f"no image {cells[first]!r}{_nearest(cells[first], files)}"
        raise table.problem(first, column, problem)
    rows = "1 row names an image" if len(absent) == 1 else f"{len(absent):,} rows name images"
    do = "does" if len(absent) == 1 else "do"
    return images, (f"{table.path.name}: {rows} that {do} not exist, such as {cells[first]!r}",)


def _nearest(name: str, files: Sequence[str]) -> str:
    near = suggestion(PurePosixPath(name).name, files[:5000])
    return near if near.startswith("; did") else f"; the first is {files[0]!r}"


def _by_index(
    table: LabelTable, column: str, count: int
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    images = integers(table, column)
    rows = len(images)
    if rows >= _MIN_ROWS and np.array_equal(np.unique(images), np.arange(1, rows + 1)):
        if rows == count:
            return images - 1, (f"{table.path.name}: {column} counts the images from 1",)
        if rows < count:
            raise UserError(
                f"{table.path}, column {column}: it runs from 1 to {rows} without 0, the first "
                "image; subtract 1 if it counts from 1, else add a row without labels for 0"
            )
    outside = np.flatnonzero((images < 0) | (images >= count))
    if outside.size:
        got = f"{table.columns[column][outside[0]]!s:.40}"
        hint = "; if it counts from 1, subtract 1" if images.min() > 0 and got == str(count) else ""
        problem = f"expected 0 to {count - 1}, got {got}{hint}"
        raise table.problem(int(outside[0]), column, problem)
    return images, ()


def _once(
    table: LabelTable, column: str, images: NDArray[np.int64]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Drops duplicate rows of an image; raises UserError for rows that contradict each other."""
    order = np.argsort(images, kind="stable")
    ordered = images[order]
    equal = (ordered[1:] == ordered[:-1]) & (ordered[1:] != UNKNOWN)
    again, before = order[1:][equal], order[:-1][equal]
    for row, other in sorted(zip(again.tolist(), before.tolist(), strict=True)):
        named = column if column in table.columns else next(iter(table.columns))
        cells = (c for name, c in table.columns.items() if name != named)
        if any(cell[row] != cell[other] for cell in cells):
            problem = f"{table.columns[named][row]} already has a row, with other labels"
            raise table.problem(row, named, problem)
    if not again.size:
        return images, ()
    images = images.copy()
    images[again] = UNKNOWN
    rows = (
        "1 row repeats another and counts"
        if len(again) == 1
        else (f"{len(again):,} rows repeat others and count")
    )
    return images, (f"{table.path.name}: {rows} once",)


def _identifiers(table: LabelTable, used: frozenset[str]) -> list[str]:
    """Columns called id with a different integer in each row."""
    return [n for n in table.columns if n not in used and is_identifier(n, table.columns[n])]


class _Finder:
    """Finds images by names in tables: with or without folders and extensions, in any form.

    If a name has more folders than its file, the last ones must agree; if fewer, all of them.
    """

    def __init__(self, files: Sequence[str]):
        names = [_plain(file) for file in files]
        self._stages = []
        for form in (_same, str.casefold, _stem, _folded_stem):
            whole, ends = _Numbers(), _Numbers()
            for number, name in enumerate(map(form, names)):
                whole.add(name, number)
                for end in _ends(name):
                    ends.add(end, number)
            self._stages.append((form, whole, ends))
        self._counted = _Numbers()
        stems = [_stem(name).rpartition("/")[2] for name in names]
        if all(stem.isascii() and stem.isdigit() for stem in stems):
            for number, stem in enumerate(stems):
                self._counted.add(str(int(stem)), number)

    def find(self, name: str) -> int:
        """The image's number; UNKNOWN if there is none, _AMBIGUOUS if there are several."""
        wanted = _plain(name.replace("\\", "/"))
        if not wanted:
            return UNKNOWN
        for form, whole, ends in self._stages:
            text = form(wanted)
            for tail in _ends(text):
                if tail in whole:
                    return whole[tail]
            if text in ends:
                return ends[text]
        number = wanted.lstrip("0") or "0"  # 000001.png, in a table that reads 000001 as a number
        return self._counted.get(number, UNKNOWN)


class _Numbers(dict[str, int]):
    """Image numbers by name; _AMBIGUOUS for a name shared by several."""

    def add(self, name: str, number: int) -> None:
        self[name] = _AMBIGUOUS if self.get(name, number) != number else number


def _ends(name: str) -> list[str]:
    """A name without its first zero, one, two … folders."""
    parts = name.split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]


def _same(name: str) -> str:
    return name


def _stem(name: str) -> str:
    """The name without its image extension, which may differ from the file's."""
    stem, extension = os.path.splitext(name)
    return stem if extension.lower() in ENDINGS else name


def _folded_stem(name: str) -> str:
    return _stem(name).casefold()


def _plain(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip())
    while name.startswith("./"):
        name = name[2:]
    return name.lstrip("/")
