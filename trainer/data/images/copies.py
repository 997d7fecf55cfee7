"""Images that are exact copies of others: they must not be in both halves of the labelled ones."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def find(contents: Iterable[bytes]) -> dict[str, Any]:
    """Pairs [number, number of the first with the same content], as JSON values."""
    first: dict[bytes, int] = {}
    pairs = []
    for number, content in enumerate(contents):
        same = first.setdefault(hashlib.sha256(content).digest(), number)
        if same != number:
            pairs.append([number, same])
    return {"pairs": pairs}


def as_array(found: Mapping[str, Any], count: int) -> NDArray[np.int64]:
    """For each of `count` images, the number of the first with the same content."""
    firsts = np.arange(count)
    for number, same in found["pairs"]:
        firsts[number] = same
    return firsts
