"""Turns label columns into factors: classes per image, and why some columns cannot be factors."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import UNKNOWN
from trainer.data.labels.dependence import dependence
from trainer.data.labels.numbers import as_numbers, may_be_thousands, why_not
from trainer.data.labels.unknown_cells import MANY, Missing, labelled_cells

BINS = 10
_YES_NO = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
_FEW = 16  # this many values can always be classes
_MIN_ROWS = 4  # in fewer, numbers may be consecutive by chance
_ID = re.compile(r"(.*[^A-Za-z])?(?i:ids?|uid|uuid|guid|nr|no|number)|.*[a-z](Id|ID)s?")
_ROUNDED = 10_000  # more different values than this are continuous in any case
_EACH = 4  # images per value, on average, for scattered numbers to be classes
_MIN_FREE_TEXT = 5  # from this many labels on, strings that are all different are free text
# names of columns whose integers are class ids, however many
_NAMED = re.compile(
    r"(?i:.*(class|label|target|category|identity|person|subject)(es|s)?|(.*[^a-z])?(ids?|y))"
    r"|.*[a-z]I[dD]"
)


class NoFactor(Exception):
    """A column that cannot be a factor; the message says why, without the column's name."""


@dataclass(frozen=True)
class LabelColumn:
    """classes: (rows,), UNKNOWN where unlabelled.

    count: of classes. remarks: how it was read. values: (rows,) of a continuous column, NaN where
    unlabelled; None for other columns. quantity: whether its classes are numbers of one.
    """

    classes: NDArray[np.int64]
    count: int
    remarks: tuple[str, ...] = ()
    values: NDArray[np.float64] | None = None
    quantity: bool = False


@dataclass(frozen=True)
class Factors:
    """The factors in a set of columns.

    sizes: number of classes by factor. classes: (rows, factors). left_out: why columns are not
    factors, by name. remarks: what a user should know, in sentences. values: (rows,) of each
    continuous factor. quantity_names: of the factors whose classes are numbers of a quantity.
    """

    sizes: Mapping[str, int]
    classes: NDArray[np.int64]
    left_out: Mapping[str, str]
    remarks: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    quantity_names: tuple[str, ...] = ()


Reader = Callable[[NDArray, int], LabelColumn]


def read_columns(
    columns: Mapping[str, NDArray],
    rows: int,
    bins: int | Mapping[str, int] = BINS,
    readers: Mapping[str, Reader] | None = None,
    missing: Missing | None = None,
) -> Factors:
    """The factors in columns of `rows` values each, numbers or strings.

    bins: number of classes into which a continuous column is cut, at its quantiles; if by column,
        the named ones are always cut. readers: for columns that are read differently. missing:
        values that mark missing ones, in addition to the words in `MISSING`; None detects numbers
        such as -999, and () keeps every number.
    """
    sizes, classes, left_out, remarks = {}, [], {}, []
    quantities: dict[str, NDArray[np.float64]] = {}
    quantity_names = []
    for name, values in columns.items():
        if isinstance(bins, Mapping):
            cut, forced = bins.get(name, BINS), name in bins
        else:
            cut, forced = bins, False
        try:
            if is_identifier(name, values):
                raise NoFactor("a different number for each image is not a factor")
            if readers and name in readers:
                column = readers[name](values, cut)
            else:
                named = bool(_NAMED.fullmatch(name))
                column = read_column(values, cut, forced, missing, named)
        except NoFactor as problem:
            left_out[name] = str(problem)
            remarks.append(f"{name} is left out: {problem}")
            continue
        sizes[name] = column.count
        classes.append(column.classes)
        if column.values is not None:
            quantities[name] = column.values
        if column.quantity:
            quantity_names.append(name)
        remarks += [f"{name}: {remark}" for remark in column.remarks]
    rare = _rare(dict(zip(sizes, classes, strict=True)))
    remarks = [said for said in remarks if said.partition(":")[0] not in rare]
    remarks += [f"{name} is left out: {problem}" for name, problem in rare.items()]
    kept = [column for name, column in zip(sizes, classes, strict=True) if name not in rare]
    sizes = {name: count for name, count in sizes.items() if name not in rare}
    stacked = np.stack(kept, axis=1) if kept else np.empty((rows, 0), np.int64)
    quantities = {name: values for name, values in quantities.items() if name in sizes}
    remarks += dependence([*sizes], stacked)
    counted = tuple(name for name in quantity_names if name in sizes)
    return Factors(sizes, stacked, {**left_out, **rare}, tuple(remarks), quantities, counted)


def read_column(
    values: NDArray,
    bins: int = BINS,
    forced: bool = False,
    missing: Missing | None = None,
    named: bool = False,
) -> LabelColumn:
    """One factor. Its distinct values, in order, are the classes 0, 1, 2, …

    Numbers with nearly as many values as labels, or more than a hundred, are continuous: they are
    cut into `bins` classes at their quantiles (always if `forced`; never integers in a column that
    is `named` as classes, such as persons). missing: as in `read_columns`. Raises NoFactor for a
    column without labels, with a single value, or of free text.
    """
    known, remarks = labelled_cells(values, missing)
    held, odd = values[known], ""
    if held.dtype.kind == "U":
        numbers = as_numbers(held)
        if numbers is None:
            odd = why_not(held)
            held, on_case = _of_one_case(_composed(held))
            remarks += on_case
        else:
            if point := may_be_thousands(held):
                remarks += (f"{point} is read with a decimal point, not a thousands separator",)
            held = numbers
    if held.size == 0:
        raise NoFactor("it has no labels")
    if held.dtype.kind == "f" and not np.isfinite(held).all():
        raise NoFactor("it contains infinity")
    different, ranks, counts = _different(held)
    if len(different) == 1:
        which = f"all {len(held):,} labels are" if len(held) > 1 else "its only label is"
        value = different[0] if held.dtype.kind == "U" else f"{different[0]:g}"
        raise NoFactor(f"{which} {str(value)[:40]!r}, and a factor must vary")
    if held.dtype.kind == "U":
        if _is_free_text(counts):
            if odd:
                raise NoFactor(odd)
            raise NoFactor(
                f"{len(held):,} labels have {len(different):,} different values, such as "
                f"{str(different[0])[:40]!r}: too many to be classes"
            )
        if odd:
            remarks = (*remarks, f"read as classes: {odd}")
    elif len(different) > bins and (forced or _is_continuous(different, len(held), bins, named)):
        ranks, count, cut = _cut(held, bins)
        remarks = (*remarks, f"{len(different):,} different values, {cut}")
        quantities = np.full(len(known), np.nan)
        quantities[known] = held
        return LabelColumn(_placed(ranks, known), count, remarks, quantities, quantity=True)
    quantity = held.dtype.kind != "U" and len(different) > BINS and not named
    return LabelColumn(_placed(ranks, known), len(different), remarks, quantity=quantity)


def is_identifier(name: str, values: NDArray) -> bool:
    """Whether a column is called an id or a number, and has a different one in each row."""
    return len(values) >= _MIN_ROWS and bool(_ID.fullmatch(name)) and counts_rows(values)


def counts_rows(values: NDArray) -> bool:
    """Whether a column has a different integer in each row, like row numbers."""
    return len(np.unique(values)) == len(values) and all(is_whole(str(cell)) for cell in values)


def is_whole(text: str) -> bool:
    """Whether a string is an integer that fits into 64 bits."""
    try:
        np.array(text).astype(np.int64)
    except (ValueError, OverflowError):
        return False
    return True


def _different(values: NDArray) -> tuple[NDArray, NDArray[np.intp], NDArray[np.intp]]:
    """As numpy.unique: the distinct values, the index of each cell's, and their counts.

    Numbers that differ only by rounding errors (0.1 + 0.2 and 0.3) are one value.
    """
    different, ranks, counts = np.unique(values, return_inverse=True, return_counts=True)
    if different.dtype.kind != "f" or len(different) > _ROUNDED:
        return different, ranks, counts
    rounded = np.array([float(f"{value:.10g}") for value in different])
    if len(np.unique(rounded)) == len(different):
        return different, ranks, counts
    return np.unique(rounded[ranks], return_inverse=True, return_counts=True)


def _composed(texts: NDArray) -> NDArray:
    """Strings with each accented letter as one character (NFC)."""
    different, places = np.unique(texts, return_inverse=True)
    return np.array([unicodedata.normalize("NFC", text) for text in different], np.str_)[places]


def _of_one_case(texts: NDArray) -> tuple[NDArray, tuple[str, ...]]:
    """Yes and no in lower case; a remark on other strings that differ only in case."""
    different = [str(text) for text in np.unique(texts)]
    folded = {text.casefold() for text in different}
    if len(folded) == len(different):
        return texts, ()
    if any(folded <= pair for pair in _YES_NO):
        return np.char.lower(texts), ()
    by_fold: dict[str, str] = {}
    for text in different:
        other = by_fold.setdefault(text.casefold(), text)
        if other != text:
            break
    return texts, (f"{other!r} and {text!r} are two classes that differ only in case",)


def _rare(classes: Mapping[str, NDArray[np.int64]]) -> dict[str, str]:
    """Columns whose classes rarely repeat, and why they are not factors while others are.

    A metric cannot learn from two classes and be tested on two with fewer than two images each; one
    such column would block it for all others. Empty if there are no others: then metrics report
    what they need.
    """
    rare = {}
    for name, column in classes.items():
        counts = np.bincount(column[column != UNKNOWN])
        counts = counts[counts > 0]
        both, one = int((counts >= 4).sum()), int(((counts == 2) | (counts == 3)).sum())
        if one < 2 * (2 - both):
            rare[name] = _too_rare(counts)
    return rare if len(rare) < len(classes) else {}


def _too_rare(counts: NDArray) -> str:
    problem = f"its {len(counts):,} classes rarely repeat among {counts.sum():,} labelled images"
    shown = ", ".join(f"{count:,}" for count in counts)
    return f"{problem} ({shown})" if len(counts) < 4 else problem


def _is_free_text(counts: NDArray) -> bool:
    labels, different = int(counts.sum()), len(counts)
    if labels == different:
        return labels >= _MIN_FREE_TEXT
    return different > _FEW and labels < 2 * different


def _is_continuous(different: NDArray, labels: int, bins: int, named: bool = False) -> bool:
    count = len(different)
    if count <= bins or count < 3:
        return False
    whole = bool((different == np.floor(different)).all())
    if count > MANY and not (whole and named):
        return True
    if whole and different[-1] - different[0] < 2 * count:  # numbered without large gaps
        return count > _FEW and labels < 2 * count
    return labels < _EACH * count


def _cut(values: NDArray, bins: int) -> tuple[NDArray[np.int64], int, str]:
    """Classes at quantiles, with about equally many labels; at least two."""
    numbers = values.astype(np.float64)
    parts = max(2, min(bins, len(numbers) // 2))
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, parts + 1)[1:-1]))
    places = np.searchsorted(edges, numbers, side="right")
    if (places == places[0]).all():  # nearly all are one value
        places = (numbers > numbers.min()).astype(np.int64)
    shown, ranks = np.unique(places, return_inverse=True)
    return ranks, len(shown), f"cut at their quantiles into {len(shown)} classes (`bins`)"


def _placed(ranks: NDArray, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    classes = np.full(len(known), UNKNOWN, np.int64)
    classes[known] = ranks
    return classes
