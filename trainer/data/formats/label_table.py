"""Tables of labels in CSV or NPZ: one row an image, one column a factor, blank where unknown.

The column `index` (0-based) names the image; for a folder of images `file`, its name below the
folder, may do so instead. A column named as one of the data set's own factors holds classes of that
factor, 0-based. Any other column may hold numbers or texts: its different values, in their order,
become the classes 0, 1, 2, ... In NPZ, where every column is an array, -1 and NaN are unknown too.
Images without a row are unknown.
"""

import contextlib
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.config.schema import suggestion
from trainer.data.dataset import UNKNOWN, Dataset
from trainer.data.formats import npy
from trainer.errors import UserError

_HELP = "expected a table with the column index, or file, and one column a factor"


@dataclass(frozen=True)
class _Table:
    path: Path
    columns: Mapping[str, NDArray]  # all of one length; of texts, or (NPZ) numbers
    lines: NDArray[np.int64]  # where each row is, for messages
    unit: str  # of `lines`

    def problem(self, row: int, column: str, text: str) -> UserError:
        return UserError(f"{self.path}, {self.unit} {self.lines[row]}, column {column}: {text}")


def read_table(path: Path, data: Dataset) -> tuple[dict[str, int], NDArray[np.int64]]:
    """Number of classes of each factor in the table, and classes (N, factors) of all images.

    Raises UserError naming the file, the line and the column.
    """
    table = _read_npz(path) if path.suffix == ".npz" else _read_csv(path)
    images = _images(table, data)
    factors, columns = {}, []
    for name in table.columns:
        if name in ("index", "file"):
            continue
        own = data.factors.get(name)
        classes = _ranks(table, name) if own is None else _own_classes(table, name, own)
        factors[name] = int(classes.max(initial=UNKNOWN)) + 1 if own is None else own
        if (classes == UNKNOWN).all():
            raise UserError(f"{path}: column {name} holds no label; fill it in or leave it out")
        columns.append(np.full(len(data), UNKNOWN, np.int64))
        columns[-1][images] = classes
    if not columns:
        raise UserError(f"{path}: no column of labels; {_HELP}")
    return factors, np.stack(columns, axis=1)


def _read_csv(path: Path) -> _Table:
    rows, lines = [], []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            head = [name.strip() for name in next(reader, [])]
            for row in reader:
                if len(row) not in (0, len(head)):
                    problem = f"{len(row)} cells under {len(head)} columns"
                    raise UserError(f"{path}, line {reader.line_num}: {problem}")
                if row:
                    rows.append(row)
                    lines.append(reader.line_num)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {_HELP}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: is not a CSV table ({error}); {_HELP}") from None
    if len(set(head)) < len(head) or "" in head:
        raise UserError(f"{path}, line 1: every column needs its own name, got {', '.join(head)}")
    cells = np.char.strip(np.array(rows, dtype=np.str_).reshape(len(rows), len(head)))
    columns = {name: cells[:, i] for i, name in enumerate(head)}
    return _Table(path, columns, np.array(lines, np.int64), "line")


def _read_npz(path: Path) -> _Table:
    with npy.reading(path, _HELP), np.load(path, allow_pickle=False) as arrays:
        columns = {name: arrays[name] for name in arrays.files}
    shapes = {name: array.shape for name, array in columns.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise UserError(f"{path}: arrays (n,) of one length were expected, got {shapes}")
    for name, array in columns.items():
        if array.dtype.kind not in "iufU":
            raise UserError(f"{path}: array {name} holds {array.dtype}, not numbers or texts")
    rows = np.arange(*next(iter(shapes.values()), (0,)))
    return _Table(path, columns, rows, "row")


def _images(table: _Table, data: Dataset) -> NDArray[np.int64]:
    """The image each row speaks of."""
    files: tuple[str, ...] = getattr(data, "files", ())
    if "index" in table.columns:
        column, images = "index", _whole_numbers(table, "index")
    elif "file" in table.columns and files:
        column, images = "file", _by_file(table, files)
    else:
        column = "index or file" if files else "index"
        raise UserError(
            f"{table.path}: no column {column} among {', '.join(table.columns)}; {_HELP}"
        )
    outside = np.flatnonzero((images < 0) | (images >= len(data)))
    if outside.size:
        problem = f"expected 0 to {len(data) - 1}, got {table.columns[column][outside[0]]!s:.40}"
        raise table.problem(outside[0], column, problem)
    order = np.argsort(images, kind="stable")
    again = order[1:][images[order][1:] == images[order][:-1]]
    if again.size:
        problem = f"{table.columns[column][again.min()]} has a row already"
        raise table.problem(int(again.min()), column, problem)
    return images


def _by_file(table: _Table, files: tuple[str, ...]) -> NDArray[np.int64]:
    known = {name: index for index, name in enumerate(files)}
    images = np.empty(len(table.lines), np.int64)
    for row, name in enumerate(map(str, table.columns["file"])):
        if name not in known:
            raise table.problem(row, "file", f"no image {name!r}{suggestion(name, known)}")
        images[row] = known[name]
    return images


def _own_classes(table: _Table, name: str, count: int) -> NDArray[np.int64]:
    """Classes of a factor that the data set has itself."""
    classes = _whole_numbers(table, name)
    wrong = np.flatnonzero((classes < UNKNOWN) | (classes >= count))
    if wrong.size:
        problem = f"expected a class from 0 to {count - 1} or nothing, got {classes[wrong[0]]}"
        raise table.problem(int(wrong[0]), name, problem)
    return classes


def _ranks(table: _Table, name: str) -> NDArray[np.int64]:
    """Position of every value among the different values of its column; UNKNOWN where blank."""
    known = _known(table.columns[name])
    values = table.columns[name][known]
    if values.dtype.kind == "U":
        with contextlib.suppress(ValueError):
            values = values.astype(np.float64)  # numbers go in order of size, not of spelling
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = np.flatnonzero(known)[~np.isfinite(values)][0]
        raise table.problem(
            row, name, f"expected a value or nothing, got {table.columns[name][row]}"
        )
    classes = np.full(len(known), UNKNOWN, np.int64)
    classes[known] = np.unique(values, return_inverse=True)[1]
    return classes


def _whole_numbers(table: _Table, name: str) -> NDArray[np.int64]:
    """The numbers of a column of whole numbers; UNKNOWN where blank."""
    column = table.columns[name]
    known = _known(column)
    numbers = np.full(len(column), UNKNOWN, np.int64)
    try:
        numbers[known] = column[known].astype(np.int64)
        wrong = (
            known & (numbers != column) if column.dtype.kind == "f" else np.zeros(len(column), bool)
        )
    except (ValueError, OverflowError):
        wrong = np.array([bool(text) and not _is_whole(text) for text in column])
    if wrong.any():
        row = int(np.argmax(wrong))
        raise table.problem(row, name, f"expected a whole number, got {str(column[row])!r}")
    return numbers


def _is_whole(text: str) -> bool:
    try:
        np.array(text).astype(np.int64)
    except (ValueError, OverflowError):
        return False
    return True


def _known(column: NDArray) -> NDArray[np.bool_]:
    """Which cells of a column hold a value."""
    if column.dtype.kind == "f":
        return ~np.isnan(column)
    return column != ("" if column.dtype.kind == "U" else UNKNOWN)
