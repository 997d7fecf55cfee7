"""Which cells of a label column have no label: empty ones, words, and numbers such as -999."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import UNKNOWN
from trainer.data.labels.numbers import as_numbers

# how tables mark unknown values, ignoring case
MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "none", "null", "\\n"}
    | {"?", "??", "-", "--", "–", "—", ".", "..", "...", "*", "(blank)", "undefined"}
    | {"#div/0!", "#name?", "#null!", "#num!", "#ref!", "#value!"}
    | {"unknown", "missing", "not available", "not known", "no data", "unlabelled", "unlabeled"}
)
_SENTINEL = re.compile(r"-9+|9{2,}")  # numbers that mark missing values if far from all others
MANY = 100  # this many different fractions are continuous, however many images there are
Missing = tuple[float | str, ...]


def labelled_cells(
    values: NDArray, missing: Missing | None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which cells (rows,) have a label, and remarks on how others are marked as unknown.

    missing: values that mark unknown cells, in addition to the words in `MISSING`; None detects
    numbers such as -999, and () keeps every number.
    """
    known, remarks = known_cells(values)
    if missing is None:
        unknown, said = _sentinels(values, known)
    else:
        unknown, said = _declared_missing(values, known, missing)
    return known & ~unknown, (*remarks, *said)


def known_cells(values: NDArray) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which cells have a value, and a remark on how others are marked as unknown, if not obvious.

    In arrays of integers -1 is unknown, unless 1 is the only other value: ±1 are two classes.
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


def _sentinels(
    values: NDArray, known: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which cells have a number that stands for "no value", and remarks on them.

    Nines (-999, 9999) that are farther from all other values than these span; negative nines that
    repeat and are the only negative value; and -1 among non-negative fractions.
    """
    none = np.zeros(len(values), bool)
    numbers = as_numbers(values[known]) if values.dtype.kind == "U" else values[known]
    if numbers is None or numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
        return none, ()
    different = [float(value) for value in np.unique(numbers)]
    nines = [value for value in different if _SENTINEL.fullmatch(f"{value:g}")]
    others = [value for value in different if value not in nines]
    found = [v for v in nines if _is_far(v, others) or _is_negative_nines(v, others, numbers)]
    if _is_no_value(others):
        found.insert(0, float(UNKNOWN))
    if not found:
        return none, _doubt(others)
    unknown = none.copy()
    unknown[np.flatnonzero(known)[np.isin(numbers, found)]] = True
    return unknown, (_read_as_unknown(numbers, found, "; `missing: []` keeps it as a value"),)


def _is_far(value: float, others: Sequence[float]) -> bool:
    """Whether a value is farther from the others, in ascending order, than they span."""
    if len(others) < 2:
        return False
    return max(others[0] - value, value - others[-1]) > others[-1] - others[0]


def _is_negative_nines(value: float, others: Sequence[float], numbers: NDArray) -> bool:
    """Whether a value is a repeated -9, -99 … and the only negative one."""
    repeated = int((numbers == value).sum()) > 1
    return value < 0 and len(others) > 1 and others[0] >= 0 and repeated


def _is_no_value(different: Sequence[float]) -> bool:
    """Whether -1 is the only negative among quantities: fractions, or very many integers."""
    if len(different) < 3 or different[0] != UNKNOWN or different[1] < 0:
        return False
    rest = different[1:]
    return len(rest) > MANY or any(value != int(value) for value in rest)


def _doubt(different: Sequence[float]) -> tuple[str, ...]:
    """A remark if -1 is the only negative among classes: it may be a class, or mean unknown."""
    if len(different) < 4 or different[0] != UNKNOWN or different[1] < 0:
        return ()
    return ("-1 is read as a value; `missing: [-1]` reads it as unknown",)


def _declared_missing(
    values: NDArray, known: NDArray[np.bool_], missing: Missing
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which cells have one of the values that the user specified, as a string or a number."""
    unknown = np.zeros(len(values), bool)
    texts = [one.strip() if isinstance(one, str) else f"{one:g}" for one in missing]
    numbers = [float(one) for one in missing if not isinstance(one, str)]
    if values.dtype.kind == "U":
        read = as_numbers(values[known]) if numbers else None
        unknown |= np.isin(np.char.strip(values), texts)
        if read is not None:
            unknown[np.flatnonzero(known)[np.isin(read, numbers)]] = True
    else:
        unknown |= np.isin(values, numbers)
    unknown &= known
    if not unknown.any():
        return unknown, ()
    return unknown, (_read_as_unknown(values[known], np.unique(values[unknown]), ""),)


def _read_as_unknown(values: NDArray, found: Iterable[Any], how: str) -> str:
    shown = ", ".join(f"{_plainly(one)} ({(values == one).sum():,})" for one in found)
    return f"read as unknown: {shown}{how}"


def _plainly(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:g}"
