"""Tables of labels as people keep them: CSV with any of the usual delimiters, JSON lines, NPZ."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import arrays
from trainer.data.labels import array_labels
from trainer.errors import UserError

HELP = "expected a table with the column index, or file, and one column for each factor"
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """columns: all of one length; of texts, or (from arrays) numbers. lines: where each row is.

    unit: of `lines`. by_position: whether its rows are the images themselves, in their order.
    """

    path: Path
    columns: Mapping[str, NDArray]
    lines: NDArray[np.int64]
    unit: str
    by_position: bool = False

    def problem(self, row: int, column: str, text: str) -> UserError:
        """An error that says where in the table it is."""
        return UserError(f"{self.path}, {self.unit} {self.lines[row]}, column {column}: {text}")


def read(path: Path, count: int, names: Sequence[str] | None = None) -> Table:
    """The table in a file, by its ending. Raises UserError naming the file and the line.

    count, names: of the images, and of columns without names, for arrays of one row per image.
    """
    ending = path.suffix.lower()
    if ending in arrays.ENDINGS:
        return _of_arrays(path, count, names)
    if ending == ".parquet":
        return _of_parquet(path)
    if ending in (".xlsx", ".xls", ".ods"):
        raise UserError(f"{path}: is a spreadsheet; save it as CSV")
    if ending in (".jsonl", ".ndjson"):
        return _of_json_lines(path)
    return _of_csv(path)


def _of_csv(path: Path) -> Table:
    text = _text(path)
    delimiter = _delimiter(text)
    rows, lines = [], []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        head = [name.strip() for name in next(reader, [])]
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise UserError(f"{path}: is not a CSV table ({error}); {HELP}") from None
    if rows and all(len(row) == len(head) + 1 for row in rows):
        head.insert(0, "")  # R's way: the names of the rows have no header
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(head):
            problem = f"{len(row)} cells under {len(head)} columns"
            raise UserError(f"{path}, line {line}: {problem}")
    return _table(path, head, rows, lines)


def _table(path: Path, head: list[str], rows: list[list[str]], lines: list[int]) -> Table:
    cells = np.char.strip(np.array(rows, dtype=np.str_).reshape(len(rows), len(head)))
    blank = [i for i, name in enumerate(head) if i > 0 and not name and (cells[:, i] == "").all()]
    kept = [i for i in range(len(head)) if i not in blank]  # what a delimiter at the end makes
    names = [head[i] for i in kept]
    if len(set(names)) < len(names) or "" in names[1:]:
        raise UserError(f"{path}, line 1: every column needs its own name, got {', '.join(head)}")
    columns = {head[i]: cells[:, i] for i in kept}
    return Table(path, columns, np.array(lines, np.int64), "line")


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {HELP}") from None
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not a CSV table ({error}); {HELP}") from None
    if "\0" in text or (wide and "\n" not in text):
        raise UserError(f"{path}: is not a CSV table; {HELP}")
    return text


def _delimiter(text: str) -> str:
    """The one that the first line has most of; a comma where it has none."""
    first = text.lstrip("\r\n").partition("\n")[0]
    outside = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _of_json_lines(path: Path) -> Table:
    records, lines = [], []
    for line, text in enumerate(_text(path).splitlines(), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise UserError(f"{path}, line {line}: is not one JSON object; {HELP}")
        records.append(record)
        lines.append(line)
    head = list(dict.fromkeys(key for record in records for key in record))
    rows = [[_cell(record.get(key)) for key in head] for record in records]
    return _table(path, head, rows, lines)


def _cell(value: object) -> str:
    plain = isinstance(value, str | int | float) and value is not None
    return str(value) if plain else "" if value is None else json.dumps(value)


def _of_parquet(path: Path) -> Table:
    from trainer.data.formats import parquet

    columns = parquet.read_table(path)
    rows = len(next(iter(columns.values()), ()))
    return Table(path, columns, np.arange(rows), "row")


def _of_arrays(path: Path, count: int, names: Sequence[str] | None) -> Table:
    file = arrays.open_arrays(path)
    if file.objects:
        held = ", ".join(file.objects)
        raise UserError(f"{path}: {held} cannot be read: Python objects are never loaded")
    rows = np.arange(count)
    single = array_labels.of_rows(file, count, names)
    if single is not None:
        return Table(path, single, rows, "row", by_position=True)
    columns = {name: file.read(name) for name in file.held}
    if file.matlab:
        columns = {name: array.reshape(-1) for name, array in columns.items()}
    shapes = {name: array.shape for name, array in columns.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise UserError(f"{path}: arrays (n,) of one length were expected, got {shapes}")
    for name, array in columns.items():
        if array.dtype.kind not in "biufU":
            raise UserError(f"{path}: array {name} holds {array.dtype}, not numbers or texts")
    rows = np.arange(*next(iter(shapes.values()), (0,)))
    return Table(path, columns, rows, "row")
