"""Label cells as numbers: decimal commas, thousands separators, and why cells are not numbers."""

import re

import numpy as np
from numpy.typing import NDArray

_EXACT = 2**53  # integers from here on are not exact as floats
_MINUS = "\u2212"
# common thousands and decimal separators; "" for none
_CONVENTIONS = (
    *(("", ","), (",", "."), (".", ",")),
    *((mark, decimal) for mark in ("'", "’", " ", "\u00a0", "\u202f") for decimal in ".,"),
)
_EITHER = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")  # a decimal point, or a thousands separator


def as_numbers(texts: NDArray) -> NDArray[np.float64] | None:
    """Strings as numbers; None if one is not a number.

    Decimal commas and thousands separators are understood if they can be read in only one way: None
    for "1,535" next to "432", which may be 1535 or 1.535. None for integers too large to be told
    apart as floats.
    """
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        return _by_convention(texts)
    large = np.abs(numbers) >= _EXACT
    if large.any() and any(text.strip("+-").isdigit() for text in texts[large]):
        return None
    return numbers


def may_be_thousands(texts: NDArray) -> str:
    """A cell such as "1.535" that may mean 1535, among integers; "" if there is none.

    Only if every point may separate thousands, and some cells have no point: values written with
    three decimals all have one.
    """
    different = np.unique(texts)
    pointed = [str(text) for text in different if "." in text]
    if len(pointed) < 2 or len(pointed) == len(different):
        return ""
    return pointed[0] if all(map(_EITHER.fullmatch, pointed)) else ""


def why_not(texts: NDArray) -> str:
    """Why strings that are mostly numbers are not read as numbers; "" if most are not numbers."""
    different, counts = np.unique(texts, return_counts=True)
    if len(_readings(different)) > 1:
        text = next((str(one) for one in different if "," in one), str(different[0]))
        return f"{text!r} can be read in two ways; write numbers without thousands separators"
    odd = np.array([as_numbers(text) is None for text in different[:, None]], bool)
    number = int(counts[odd].sum())
    if not number or 2 * number > counts.sum() or 2 * odd.sum() > len(odd):
        return ""
    first = str(different[odd][0])[:40]
    return (
        f"{number:,} of {counts.sum():,} labels are not numbers, such as {first!r} "
        f"(`missing: [{first}]` reads it as unknown)"
    )


def _by_convention(texts: NDArray) -> NDArray[np.float64] | None:
    """The numbers under the only convention that fits all strings; None if none or several do."""
    different, places = np.unique(texts, return_inverse=True)
    found = _readings(different)
    return found[0][places] if len(found) == 1 else None


def _readings(different: NDArray) -> list[NDArray[np.float64]]:
    """All different readings of the strings as numbers."""
    found: list[NDArray[np.float64]] = []
    for thousands, decimal in _CONVENTIONS:
        numbers = _under(np.char.replace(different, _MINUS, "-"), thousands, decimal)
        if numbers is not None and not any(np.array_equal(numbers, one) for one in found):
            found.append(numbers)
    return found


def _under(texts: NDArray, thousands: str, decimal: str) -> NDArray[np.float64] | None:
    t, d = re.escape(thousands), re.escape(decimal)
    whole = rf"\d{{1,3}}(?:{t}\d{{3}})+|\d+" if thousands else r"\d+"
    number = re.compile(rf"[-+]?(?:(?:{whole})(?:{d}\d*)?|{d}\d+)(?:[eE][-+]?\d+)?")
    if not all(map(number.fullmatch, texts)):
        return None
    plain = [text.replace(thousands, "") if thousands else str(text) for text in texts]
    return np.array([text.replace(decimal, ".") for text in plain], np.float64)
