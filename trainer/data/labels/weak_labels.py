"""Weak labels: a data set with its labels replaced, for some images and some factors."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.config.run import digest
from trainer.config.schema import FieldError, suggestion
from trainer.data.cached import checked
from trainer.data.dataset import (
    UNKNOWN,
    Dataset,
    Notes,
    notes_of,
    quantities_of,
    quantity_names_of,
    read_as_numbers,
)
from trainer.data.labels import label_table
from trainer.data.labels import rows as label_rows
from trainer.data.labels.factors import (
    BINS,
    Factors,
    LabelColumn,
    Reader,
    read_columns,
)
from trainer.data.labels.unknown_cells import Missing
from trainer.errors import UserError
from trainer.files import expand, looked_in

_SEED = 0  # of the choice of images that keep their labels
Bins = int | Mapping[str, int]


class Relabelled:
    """The images of a data set with replaced labels.

    factors: number of classes by name; table: classes (N, factors), UNKNOWN where there is no
        label. notes: on these labels; notes on the images are kept. quantities: values (N,) of
        continuous factors, NaN where there is no label. quantity_names: as in
        `quantity_names_of`; by default those of the data set.
    """

    def __init__(
        self,
        data: Dataset,
        factors: Mapping[str, int],
        table: NDArray[np.integer],
        notes: Notes | None = None,
        quantities: Mapping[str, NDArray[np.float64]] | None = None,
        quantity_names: Iterable[str] | None = None,
    ):
        self.data = data
        self.name, self.source, self.fingerprint = data.name, data.source, data.fingerprint
        self.shape, self.levels = data.shape, data.levels
        self.notes = replace(notes or Notes(), images=notes_of(data).images)
        self.factors = factors
        self.table = table.astype(np.int32)
        self.quantities = dict(quantities or {})
        named = quantity_names_of(data) if quantity_names is None else quantity_names
        self.quantity_names = tuple(name for name in named if name in factors)
        self.numbers = read_as_numbers(self.quantity_names, self.quantities, self.table)
        self.labels_fingerprint = fingerprint_of(factors, self.table, self.quantities)

    def __len__(self) -> int:
        return len(self.data)

    def images(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """As in the original data set."""
        return self.data.images(indices)

    def stored(self) -> NDArray[np.uint8]:
        """As in the original data set."""
        return self.data.stored()

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Classes (n, factors) from the table; UNKNOWN (-1) where it has no label."""
        return self.table[checked(indices, len(self))].astype(np.int64)


def relabel(
    data: Dataset,
    labels: str | int,
    bins: Bins = BINS,
    names: Sequence[str] | None = None,
    missing: Missing | None = None,
) -> Dataset:
    """`data` with the labels that `labels` selects.

    "all": its own. "none": no factors. A number n: its own, for n images chosen at random, always
    the same ones. Anything else is the path of a table (CSV, JSON lines, Parquet, or arrays), which
    replaces its own labels; see `read_table`.
    Raises FieldError, and UserError for an invalid table.
    """
    if labels == "all":
        return data
    if labels == "none":
        return Relabelled(data, {}, np.empty((len(data), 0), np.int64))
    if isinstance(labels, int):
        kept = _some(data, labels)
        unknown = (kept == UNKNOWN).all(axis=1)
        values = {n: np.where(unknown, np.nan, v) for n, v in quantities_of(data).items()}
        return Relabelled(data, data.factors, kept, notes_of(data), values)
    path = expand(labels)
    if not path.is_file():
        problem = (
            f"expected all, none, a number of images or a table; no file {labels!r} exists"
            f"{looked_in(path)}"
        )
        raise FieldError(problem, ("labels",))
    found = read_table(path, data, bins, names, missing)
    notes = Notes(labels=found.remarks, left_out=found.left_out)
    named = (*found.quantity_names, *quantity_names_of(data))
    return Relabelled(data, found.sizes, found.classes, notes, found.values, named)


def read_table(
    path: Path,
    data: Dataset,
    bins: Bins = BINS,
    names: Sequence[str] | None = None,
    missing: Missing | None = None,
) -> Factors:
    """The factors in a table of labels, for all images of `data`.

    The column `index` (0-based), or a column with file names, specifies which image a row
    describes. A column named like one of the data set's own factors contains that factor's classes,
    0-based. The distinct values of any other become classes; see `factors.read_column`. Images
    without a row are unlabelled.

    names: of the columns of an array without names. missing: as in `factors.read_columns`.
    Raises UserError naming the file, line and column.
    """
    table = label_table.read(path, len(data), names)
    rows = label_rows.match(table, data)
    columns = {name: cells for name, cells in table.columns.items() if name not in rows.used}
    if not columns:
        raise UserError(f"{path}: no label columns; {label_table.HELP}")
    known = rows.images != UNKNOWN
    own = {name: _own(table, name, count, known) for name, count in data.factors.items()}
    found = read_columns(
        {name: cells[known] for name, cells in columns.items()}, len(data), bins, own, missing
    )
    if not found.sizes:
        why = "; ".join(f"column {name}: {text}" for name, text in [*found.left_out.items()][:3])
        raise UserError(f"{path}: no column can be a factor; {why}")
    classes = np.full((len(data), len(found.sizes)), UNKNOWN, np.int64)
    classes[rows.images[known]] = found.classes
    values = {}
    for name, held in found.values.items():
        values[name] = np.full(len(data), np.nan)
        values[name][rows.images[known]] = held
    return Factors(
        found.sizes,
        classes,
        found.left_out,
        (*rows.remarks, *found.remarks),
        values,
        found.quantity_names,
    )


def choose(data: Dataset, factors: Sequence[str]) -> Dataset:
    """`data` with only these of its factors, in this order. Raises FieldError."""
    known, notes = list(data.factors), notes_of(data)
    for name in factors:
        if name in notes.left_out:
            raise FieldError(f"{name!r} cannot be a factor: {notes.left_out[name]}", ("factors",))
        if name not in known:
            problem = (
                f"unknown factor {name!r}{suggestion(name, known) or '; no image is labelled'}"
            )
            raise FieldError(problem, ("factors",))
    if len(set(factors)) < len(factors) or not factors:
        raise FieldError(f"expected different factors, got {[*factors]}", ("factors",))
    if [*factors] == known:
        return data
    columns = [known.index(name) for name in factors]
    others = ", ".join(name for name in known if name not in factors)
    if others:
        notes = replace(notes, labels=(*notes.labels, f"not chosen by `factors`: {others}"))
    table = data.classes(np.arange(len(data)))[:, columns]
    sizes = {name: data.factors[name] for name in factors}
    values = {name: held for name, held in quantities_of(data).items() if name in factors}
    return Relabelled(data, sizes, table, notes, values)


def fingerprint_of(
    factors: Mapping[str, int],
    table: NDArray[np.int32],
    quantities: Mapping[str, NDArray[np.float64]],
) -> str:
    """Hex digest of everything that determines the labels; "" without labels."""
    if not factors:
        return ""
    parts = [[*factors.items()], content(table)]
    for name, values in quantities.items():
        held = np.ascontiguousarray(values, "<f8").data
        parts.append([name, hashlib.sha256(held).hexdigest()])
    return digest(parts)


def content(table: NDArray[np.int32]) -> str:
    """SHA-256 of classes, in hex."""
    return hashlib.sha256(np.ascontiguousarray(table, "<i4").data).hexdigest()


def _own(table: label_table.LabelTable, name: str, count: int, known: NDArray[np.bool_]) -> Reader:
    """Reads a column of classes of one of the data set's own factors.

    known: whether each row of the table belongs to an image and is not a duplicate.
    """

    def read(values: NDArray, bins: int) -> LabelColumn:
        classes = label_rows.integers(table, name)
        wrong = np.flatnonzero((classes < UNKNOWN) | (classes >= count))
        if wrong.size:
            problem = (
                f"expected a class from 0 to {count - 1} or an empty cell, got {classes[wrong[0]]}"
            )
            raise table.problem(int(wrong[0]), name, problem)
        return LabelColumn(classes[known], count)

    return read


def _some(data: Dataset, count: int) -> NDArray[np.int64]:
    if not data.factors:
        raise FieldError(f"{data.name} has no labels; specify the path of a table", ("labels",))
    if not 1 <= count <= len(data):
        raise FieldError(f"expected 1 to {len(data)} images, got {count}", ("labels",))
    kept = np.random.default_rng(_SEED).choice(len(data), count, replace=False)
    table = np.full((len(data), len(data.factors)), UNKNOWN, np.int64)
    table[kept] = data.classes(kept)
    return table
