"""Tables of labels in common formats: CSV with any usual delimiter, JSON, Parquet, NPZ."""

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import arrays
from trainer.data.formats.picture_folder import ENDINGS
from trainer.data.labels import array_labels
from trainer.errors import UserError

HELP = "expected a table with the column index or file, and one column per factor"
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class LabelTable:
    """columns: all of the same length; strings, or (from arrays) numbers. lines: line of each row.

    unit: of `lines`. by_position: whether row n is image n. remarks: how it was read, without the
    table's name.
    """

    path: Path
    columns: Mapping[str, NDArray]
    lines: NDArray[np.int64]
    unit: str
    by_position: bool = False
    remarks: tuple[str, ...] = ()

    def problem(self, row: int, column: str, text: str) -> UserError:
        """An error that names its place in the table."""
        return UserError(f"{self.path}, {self.unit} {self.lines[row]}, column {column}: {text}")


def read(path: Path, count: int, names: Sequence[str] | None = None) -> LabelTable:
    """The table in a file, by its extension. Raises UserError naming the file and line.

    count, names: number of images, and names for unnamed columns, for arrays with one row per
        image.
    """
    extension = path.suffix.lower()
    if extension in arrays.ARCHIVES:
        raise UserError(f"{path}: is compressed; unpack it first")
    if extension in arrays.ENDINGS:
        return _of_arrays(path, count, names)
    if extension == ".parquet":
        return _of_parquet(path)
    if extension in (".xlsx", ".xls", ".ods"):
        raise UserError(f"{path}: is a spreadsheet; save it as CSV")
    if extension in (".jsonl", ".ndjson"):
        return _of_json_lines(path)
    if extension == ".json":
        return _of_json(path)
    return _of_csv(path)


def _of_csv(path: Path) -> LabelTable:
    content, remarks = _text(path)
    lines = [*io.StringIO(content, newline="")]
    first = _first(lines)
    if first == len(lines):
        raise UserError(f"{path}: is empty; {HELP}")
    delimiter = _delimiter(lines, first)
    rows, places = [], []
    try:
        for place, row in _cells(lines[first:], delimiter):
            if len(row) > 1 or (row and row[0].strip()):
                rows.append(row)
                places.append(first + place)
    except csv.Error as error:
        raise UserError(f"{path}: is not a CSV table ({error}); {HELP}") from None
    head = [name.strip() for name in rows[0]]
    head[0] = head[0].lstrip("#").strip()
    headless = any(os.path.splitext(name)[1].lower() in ENDINGS for name in head)
    if headless:
        remarks += ("has no header line; its columns are column_1, …",)
        head = [f"column_{number}" for number in range(1, len(head) + 1)]
    else:
        del rows[0], places[0]
    if rows and all(len(row) == len(head) + 1 for row in rows):
        head.insert(0, "")  # as in R and CelebA: the column of row names has no header
    for row, line in zip(rows, places, strict=True):
        if len(row) != len(head):
            problem = f"{len(row)} cells under {len(head)} columns"
            raise UserError(f"{path}, line {line}: {problem}")
    return _table(path, head, rows, places, remarks=remarks)


def _first(lines: Sequence[str]) -> int:
    """The index of the header: after blank lines, comments, a row count, Excel's `sep=;`."""
    for place, line in enumerate(lines):
        text = line.strip()
        remark = text.startswith("#") and not any(mark in text for mark in _DELIMITERS)
        counts = text.isdecimal() and len(lines) > place + 1 and " " in lines[place + 1].strip()
        if text and not (remark or counts or text.lower().startswith("sep=")):
            return place
    return len(lines)


def _cells(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, and the line where it ends, counted from 1."""
    if delimiter == " ":
        yield from ((place, line.split()) for place, line in enumerate(lines, 1))
        return
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    for row in reader:
        yield reader.line_num, row


def _table(
    path: Path,
    head: list[str],
    rows: list[list[str]],
    lines: list[int],
    unit: str = "line",
    remarks: tuple[str, ...] = (),
) -> LabelTable:
    cells = [np.char.strip(np.array([row[i] for row in rows], np.str_)) for i in range(len(head))]
    blank = [i for i, name in enumerate(head) if not name and (cells[i] == "").all()]
    kept = [i for i in range(len(head)) if i not in blank]  # a trailing delimiter adds a blank one
    names = [head[i] for i in kept]
    if len(set(names)) < len(names) or "" in names[1:]:
        shown = ", ".join(name[:40] for name in head[:12])
        raise UserError(f"{path}, line 1: every column needs its own name, got {shown}")
    columns = {head[i]: cells[i] for i in kept}
    return LabelTable(path, columns, np.array(lines, np.int64), unit, remarks=remarks)


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and a remark if its encoding was guessed. Raises UserError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {HELP}") from None
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    remarks: tuple[str, ...] = ()
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = _western(path, content)
        remarks = ("is not in UTF-8, and is read as Windows-1252 (Western European)",)
    if "\0" in text or (wide and "\n" not in text):
        raise UserError(f"{path}: is not UTF-8 text; save it as CSV in UTF-8; {HELP}")
    return text, remarks


def _western(path: Path, content: bytes) -> str:
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = "\0"
    if any(ord(character) < 32 and not character.isspace() for character in text):
        raise UserError(f"{path}: is not UTF-8 text; save it as CSV in UTF-8; {HELP}")
    return text


def _delimiter(lines: Sequence[str], first: int) -> str:
    """The delimiter: from the line before the header (Excel's `sep=;`), or the most frequent one in
    the header; spaces if it has none, and as many words as the next line.
    """
    before = lines[first - 1].strip().lower() if first else ""
    if before.startswith("sep=") and before[4:] in (",", ";", "|"):
        return before[4:]
    outside = "".join(lines[first].split('"')[::2])
    found = max(_DELIMITERS, key=outside.count)
    words = [len(line.split()) for line in lines[first : first + 2]]
    spaced = len(words) == 2 and words[0] > 1 and words[1] - words[0] in (0, 1)
    return " " if spaced and found not in outside else found


def _of_json(path: Path) -> LabelTable:
    """Records in a list, or keyed by file name with one or several labels; or columns."""
    try:
        held: Any = json.loads(_text(path)[0])
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: is not JSON ({error}); {HELP}") from None
    if isinstance(held, dict) and _is_columns(held):
        columns = [[*c.values()] if isinstance(c, dict) else c for c in held.values()]
        held = [dict(zip(held, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if isinstance(held, dict):
        held = [
            {"file": name, **(value if isinstance(value, dict) else {"label": value})}
            for name, value in held.items()
        ]
    if not isinstance(held, list) or not all(isinstance(record, dict) for record in held):
        raise UserError(f"{path}: is not a list of JSON objects; {HELP}")
    return _of_records(path, held, [*range(1, len(held) + 1)], "record")


def _is_columns(held: Mapping[str, Any]) -> bool:
    """Whether a mapping contains columns, as pandas writes them: {"file": {"0": …, "1": …}, …}."""
    columns = [*held.values()]
    if columns and all(isinstance(column, list) for column in columns):
        return len(columns) > 1 and len({len(column) for column in columns}) == 1
    if not columns or not all(isinstance(column, dict) for column in columns):
        return False
    keys = [*columns[0]]
    return all(key.isdigit() for key in keys) and all([*column] == keys for column in columns)


def _of_json_lines(path: Path) -> LabelTable:
    records, lines = [], []
    for line, text in enumerate(_text(path)[0].splitlines(), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise UserError(f"{path}, line {line}: is not a JSON object; {HELP}")
        records.append(record)
        lines.append(line)
    return _of_records(path, records, lines, "line")


def _of_records(
    path: Path, records: Sequence[Mapping[str, Any]], places: list[int], unit: str
) -> LabelTable:
    records = [_flat(record) for record in records]
    head = list(dict.fromkeys(key for record in records for key in record))
    rows = [[_cell(record.get(key)) for key in head] for record in records]
    return _table(path, head, rows, places, unit)


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Objects in a record as columns: {"labels": {"hue": 1}} has the column labels.hue."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": held for inner, held in value.items()}
        else:
            flat[key] = value
    return flat


def _cell(value: object) -> str:
    plain = isinstance(value, str | int | float) and value is not None
    return str(value) if plain else "" if value is None else json.dumps(value)


def _of_parquet(path: Path) -> LabelTable:
    from trainer.data.formats import parquet

    columns, ignored = parquet.read_table(path)
    rows = len(next(iter(columns.values()), ()))
    remarks = (f"has columns of other types, ignored: {', '.join(ignored[:5])}",) if ignored else ()
    return LabelTable(path, columns, np.arange(rows), "row", remarks=remarks)


def _of_arrays(path: Path, count: int, names: Sequence[str] | None) -> LabelTable:
    file = arrays.open_arrays(path)
    if file.objects:
        held = ", ".join(file.objects)
        raise UserError(f"{path}: {held} cannot be read: Python objects are never loaded")
    rows = np.arange(count)
    single = array_labels.of_rows(file, count, names)
    if single is not None:
        return LabelTable(path, single, rows, "row", by_position=True)
    columns = {name: file.read(name) for name in file.held}
    if file.matlab:
        columns = {name: array.reshape(-1) for name, array in columns.items()}
    shapes = {name: array.shape for name, array in columns.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise UserError(f"{path}: expected arrays (n,) of the same length, got {shapes}")
    for name, array in columns.items():
        if array.dtype.kind not in "biufU":
            raise UserError(f"{path}: array {name} contains {array.dtype}, not numbers or strings")
    rows = np.arange(*next(iter(shapes.values()), (0,)))
    return LabelTable(path, columns, rows, "row")
