"""What the pixel values of an array mean: which is black, which is white."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.config.schema import FieldError
from trainer.data.formats.pictures import white_of
from trainer.errors import UserError

_DARK = 128  # values that are all in the lower half of 0..255 probably have another range


@dataclass(frozen=True)
class Values:
    """The values of an array: smallest, largest, whether only 0 and 1, whether NaN or infinity."""

    least: float
    largest: float
    only_01: bool
    finite: bool

    def as_mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Range:
    """low is black, high is white. binary: only these two occur. given: by the user."""

    low: float
    high: float
    binary: bool
    given: bool = False

    def bytes_of(self, values: NDArray) -> NDArray[np.uint8]:
        """Values as bytes: low is 0, high is 255, values in between are rounded."""
        if values.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return values
        scaled = (values.astype(np.float64) - self.low) * (255 / (self.high - self.low))
        return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)

    def remarks(self, name: str, dtype: np.dtype, values: Values) -> list[str]:
        """How the values were interpreted, if that is not obvious."""
        if self.given or dtype == np.bool_:
            return []
        found = f"{name} contains {dtype} from {values.least:g} to {values.largest:g}"
        if self.binary:
            return [f"{found}, only 0 and 1: read as binary images"]
        if dtype != np.uint8:
            rounded = "" if dtype.kind in "iu" and self.high == 255 else ", kept as 256 levels"
            return [f"{found}: {self.low:g} is read as black, {self.high:g} as white{rounded}"]
        if values.largest < _DARK:
            top = f"{values.largest:g}"
            return [f"{found}: dark images; if {top} is white, set range: [0, {top}]"]
        return []


def values_of(block: NDArray) -> Values:
    """The values of a block of an array."""
    least, largest = float(block.min()), float(block.max())
    finite = bool(np.isfinite(block).all()) if block.dtype.kind == "f" else True
    if not finite:
        least = largest = 0.0
    only_01 = finite and least >= 0 and largest <= 1
    if only_01 and block.dtype.kind == "f":
        only_01 = bool(((block == 0) | (block == 1)).all())
    return Values(least, largest, only_01, finite)


def merged(parts: Iterable[Values]) -> Values:
    """The values of all blocks together."""
    parts = list(parts)
    return Values(
        min(part.least for part in parts),
        max(part.largest for part in parts),
        all(part.only_01 for part in parts),
        all(part.finite for part in parts),
    )


def range_of(
    path: Path, dtype: np.dtype, values: Values, given: Sequence[float] | None = None
) -> Range:
    """Black and white of an array with these values.

    Known ranges: bool, and only 0 and 1 (binary); bytes; 0..255, [0, 1] and [-1, 1] of floats;
    integers of 10, 12, 14 or 16 bits. Raises FieldError for an invalid range, UserError for
    values whose range is ambiguous, and for NaN.
    """
    if not values.finite:
        raise UserError(f"{path}: its images contain NaN or infinity; fix or remove these images")
    least, largest = values.least, values.largest
    if given is not None:
        return _given(given, least, largest)
    if dtype == np.bool_ or values.only_01:
        return Range(0, 1, binary=True)
    if dtype == np.uint8:
        return Range(0, 255, binary=False)
    if dtype.kind == "f" and least >= -1 and largest <= 1:
        return Range(-1.0 if least < 0 else 0.0, 1, binary=False)
    if least >= 0 and _DARK <= largest <= 255:
        return Range(0, 255, binary=False)
    if dtype.kind in "iu" and least >= 0 and 255 < largest <= 65535:
        return Range(0, white_of(int(largest)), binary=False)
    raise UserError(
        f"{path}: its images contain {dtype} from {least:g} to {largest:g}; specify black and "
        f"white, e.g. range: [{min(least, 0):g}, {largest:g}]"
    )


def _given(given: Sequence[float], least: float, largest: float) -> Range:
    if len(given) != 2 or given[0] >= given[1]:
        raise FieldError(f"expected [black, white], got {[*given]}", ("range",))
    low, high = given
    if least < low or largest > high:
        problem = f"images contain {least:g} to {largest:g}, outside {[*given]}"
        raise FieldError(problem, ("range",))
    return Range(low, high, binary=False, given=True)
