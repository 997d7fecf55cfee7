"""Label columns turned into factors: classes per image, and which columns cannot be factors."""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import UNKNOWN

BINS = 10
# how tables mark unknown values, in any letter case
MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "none", "null", "?", "-", "--", "."}
    | {"unknown", "missing", "not available", "unlabelled", "unlabeled"}
)
_YES_NO = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"})
_FEW = 16  # this many values can always be classes
_MANY = 100  # this many different fractions are continuous, however many images there are
_EACH = 4  # images per value, on average, that scattered numbers need to be classes
_LEAST = 5  # from this many labels on, texts that are all different are free text


class NoFactor(Exception):
    """A column that cannot be a factor; the text says why, without its name."""


@dataclass(frozen=True)
class LabelColumn:
    """classes: (rows,), UNKNOWN where unlabelled.

    count: of classes. remarks: how it was read. values: (rows,) of a continuous column, NaN where
    unlabelled; None for others.
    """

    classes: NDArray[np.int64]
    count: int
    remarks: tuple[str, ...] = ()
    values: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Factors:
    """The factors in a set of columns.

    sizes: number of classes by factor. classes: (rows, factors). left_out: why columns are not
    factors, by name. remarks: what a user should know, in sentences. values: (rows,) of each
    continuous factor.
    """

    sizes: Mapping[str, int]
    classes: NDArray[np.int64]
    left_out: Mapping[str, str]
    remarks: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


Reader = Callable[[NDArray, int], LabelColumn]


def read_columns(
    columns: Mapping[str, NDArray],
    rows: int,
    bins: int | Mapping[str, int] = BINS,
    readers: Mapping[str, Reader] | None = None,
) -> Factors:
    """The factors in columns of `rows` values each, numbers or texts.

    bins: how many classes a continuous column is cut into, at its quantiles; if by column, the
        named ones are always cut. readers: for columns that are read differently.
    """
    sizes, classes, left_out, remarks = {}, [], {}, []
    quantities: dict[str, NDArray[np.float64]] = {}
    for name, values in columns.items():
        if isinstance(bins, Mapping):
            cut, forced = bins.get(name, BINS), name in bins
        else:
            cut, forced = bins, False
        try:
            if readers and name in readers:
                column = readers[name](values, cut)
            else:
                column = read_column(values, cut, forced)
        except NoFactor as problem:
            left_out[name] = str(problem)
            remarks.append(f"{name} is left out: {problem}")
            continue
        sizes[name] = column.count
        classes.append(column.classes)
        if column.values is not None:
            quantities[name] = column.values
        remarks += [f"{name}: {remark}" for remark in column.remarks]
    rare = _rare(dict(zip(sizes, classes, strict=True)))
    remarks = [said for said in remarks if said.partition(":")[0] not in rare]
    remarks += [f"{name} is left out: {problem}" for name, problem in rare.items()]
    kept = [column for name, column in zip(sizes, classes, strict=True) if name not in rare]
    sizes = {name: count for name, count in sizes.items() if name not in rare}
    stacked = np.stack(kept, axis=1) if kept else np.empty((rows, 0), np.int64)
    quantities = {name: values for name, values in quantities.items() if name in sizes}
    return Factors(sizes, stacked, {**left_out, **rare}, tuple(remarks), quantities)


def read_column(values: NDArray, bins: int = BINS, forced: bool = False) -> LabelColumn:
    """One factor. Its different values, in their order, are the classes 0, 1, 2, …

    Numbers with nearly as many values as labels are continuous: they are cut into `bins` classes at
    their quantiles (always, when `forced`). Raises NoFactor for a column without labels, with a
    single value, or with free text.
    """
    known, remarks = known_cells(values)
    held = values[known]
    if held.dtype.kind == "U":
        numbers = as_numbers(held)
        if numbers is None:
            held, on_case = _of_one_case(held)
            remarks += on_case
        else:
            held = numbers
    if held.size == 0:
        raise NoFactor("it has no labels")
    if held.dtype.kind == "f" and not np.isfinite(held).all():
        raise NoFactor("it holds infinity")
    different, ranks, counts = np.unique(held, return_inverse=True, return_counts=True)
    if len(different) == 1:
        told = f"all {len(held):,} labels are" if len(held) > 1 else "its one label is"
        value = different[0] if held.dtype.kind == "U" else f"{different[0]:g}"
        raise NoFactor(f"{told} {str(value)[:40]!r}, and a factor must vary")
    if held.dtype.kind == "U":
        if _is_free_text(counts):
            raise NoFactor(
                f"{len(held):,} labels have {len(different):,} different texts, such as "
                f"{str(different[0])[:40]!r}: too many to be classes"
            )
    elif forced or _is_continuous(different, len(held), bins):
        ranks, count, said = _cut(held, bins)
        remarks = (*remarks, f"{len(different):,} different values, {said}")
        quantities = np.full(len(known), np.nan)
        quantities[known] = held
        return LabelColumn(_placed(ranks, known), count, remarks, quantities)
    return LabelColumn(_placed(ranks, known), len(different), remarks)


def known_cells(values: NDArray) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which cells hold a value, and a remark on how others mark unknown ones, where not obvious.

    In arrays of whole numbers -1 is unknown, unless 1 is the only other value: ±1 are two classes.
    """
    if values.dtype.kind == "f":
        return ~np.isnan(values), ()
    if values.dtype.kind != "U":
        others = np.unique(values[values != UNKNOWN])
        two_signs = others.tolist() == [1] or (others.size > 0 and others[0] < 0)
        if values.dtype.kind != "i" or two_signs or len(others) == len(np.unique(values)):
            return np.ones(len(values), bool), ()
        return values != UNKNOWN, ("-1 is read as unknown",)
    different, places = np.unique(values, return_inverse=True)
    missing = np.array([text.strip().lower() in MISSING for text in different], bool)
    if not missing.any():
        return np.ones(len(values), bool), ()
    unknown = missing[places]
    words = Counter(str(text).strip() for text in values[unknown])
    del words[""]
    if not words:
        return ~unknown, ()
    shown = ", ".join(f"{word!r} ({count:,})" for word, count in words.most_common(4))
    return ~unknown, (f"read as unknown: {shown}",)


def as_numbers(texts: NDArray) -> NDArray[np.float64] | None:
    """Texts as numbers, also with a decimal comma; None when one is not a number."""
    with contextlib.suppress(ValueError):
        return texts.astype(np.float64)
    if all(text.count(",") == 1 and "." not in text for text in texts if "," in text):
        with contextlib.suppress(ValueError):
            return np.char.replace(texts, ",", ".").astype(np.float64)
    return None


def _of_one_case(texts: NDArray) -> tuple[NDArray, tuple[str, ...]]:
    """Yes and no in one letter case; a remark on other texts that differ only in case."""
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
    such column would block it for all others. Empty where there are no others: then metrics say
    what they need.
    """
    rare = {}
    for name, column in classes.items():
        counts = np.bincount(column[column != UNKNOWN])
        counts = counts[counts > 0]
        both, one = int((counts >= 4).sum()), int(((counts == 2) | (counts == 3)).sum())
        if one < 2 * (2 - both):
            rare[name] = (
                f"its {len(counts):,} classes rarely repeat among {counts.sum():,} labelled images"
            )
    return rare if len(rare) < len(classes) else {}


def _is_free_text(counts: NDArray) -> bool:
    labels, different = int(counts.sum()), len(counts)
    if labels == different:
        return labels >= _LEAST
    return different > _FEW and labels < 2 * different


def _is_continuous(different: NDArray, labels: int, bins: int) -> bool:
    count = len(different)
    if count <= bins or count < 3:
        return False
    whole = bool((different == np.floor(different)).all())
    if whole and different[-1] - different[0] < 2 * count:  # numbered without large gaps
        return count > _FEW and labels < 2 * count
    return labels < _EACH * count or (not whole and count > _MANY)


def _cut(values: NDArray, bins: int) -> tuple[NDArray[np.int64], int, str]:
    """Classes at quantiles, with about equally many labels; at least two."""
    numbers = values.astype(np.float64)
    wanted = max(2, min(bins, len(numbers) // 2))
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, wanted + 1)[1:-1]))
    places = np.searchsorted(edges, numbers, side="right")
    if (places == places[0]).all():  # nearly all are one value
        places = (numbers > numbers.min()).astype(np.int64)
    shown, ranks = np.unique(places, return_inverse=True)
    return ranks, len(shown), f"cut at their quantiles into {len(shown)} classes (`bins`)"


def _placed(ranks: NDArray, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    classes = np.full(len(known), UNKNOWN, np.int64)
    classes[known] = ranks
    return classes
