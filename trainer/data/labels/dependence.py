"""Which factors depend on one another: metrics assume that factors vary independently."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from trainer.config.schema import first_few
from trainer.data.dataset import UNKNOWN

_ALMOST = 0.8  # share of labels that follow from another factor's: it all but repeats it
_NAMED_OTHERS = 3  # factors named in one remark
_COMPARED, _MIN_COMPARED = 5_000, 10  # images looked at; with fewer, all is chance
_MIN_TRUE = 4  # images of each class in one-hot form; fewer may never meet by chance


def dependence(names: Sequence[str], table: NDArray[np.int64]) -> list[str]:
    """Remarks on factors that equal another, follow from one, or are one factor in one-hot form.

    table: classes (rows, factors), UNKNOWN where unlabelled.
    """
    different, remarks = _without_repeats(names, table)
    some = table[:: max(1, len(table) // _COMPARED)]
    columns = {name: some[:, i] for i, name in enumerate(names) if name in different}
    one_hot = _one_hot(columns)
    for first, *others in one_hot:
        remarks.append(
            f"{', '.join([first, *others[:-1]])} and {others[-1]} are one factor in one-hot form: "
            "no two of them are true of one image, but metrics assume that factors vary "
            "independently, so put them into one column"
        )
    joined = {name for group in one_hot for name in group}
    return remarks + _near_twins({n: c for n, c in columns.items() if n not in joined})


def _without_repeats(names: Sequence[str], table: NDArray[np.int64]) -> tuple[set[str], list[str]]:
    """Columns without those that equal an earlier one up to the names of their classes.

    And a remark on each of the others.
    """
    seen: dict[bytes, str] = {}
    remarks = []
    for name, column in zip(names, table.T, strict=True):
        shown, first, ranks = np.unique(column, return_index=True, return_inverse=True)
        # classes numbered as they first appear, so that names and order of classes do not matter
        numbers = np.where(shown == UNKNOWN, UNKNOWN, np.argsort(np.argsort(first)))
        other = seen.setdefault(numbers[ranks].tobytes(), name)
        if other != name:
            remarks.append(
                f"{name} carries the same information as {other}: no code can tell them apart, so "
                "leave one out (`factors`)"
            )
    return set(seen.values()), remarks


def _one_hot(columns: Mapping[str, NDArray[np.int64]]) -> list[list[str]]:
    """Groups of at least three adjacent columns of two classes, of which about one is 1 in a row.

    No two are 1 in any row, one is in at least `_ALMOST` of them, and each in `_MIN_TRUE` or more:
    rare independent columns would overlap.
    """
    groups: list[list[str]] = []
    names = [*columns]
    start = 0
    while start < len(names):
        group: list[str] = []
        total = np.zeros(len(columns[names[start]]), np.int64)
        for name in names[start:]:
            column = columns[name]
            if column.max() != 1 or column.min() < 0 or (column == 1).sum() < _MIN_TRUE:
                break
            if (total + column).max() > 1:
                break
            total += column
            group.append(name)
        if len(group) >= 3 and total.mean() >= _ALMOST:
            groups.append(group)
            start += len(group)
        else:
            start += 1
    return groups


def _near_twins(columns: Mapping[str, NDArray[np.int64]]) -> list[str]:
    """Remarks on columns that another one almost determines, both ways or one way."""
    remarks = []
    following: dict[str, list[str]] = {}
    for (first, one), (second, other) in combinations(columns.items(), 2):
        onto_second, onto_first = _follows(one, other), _follows(other, one)
        share = min(onto_second, onto_first)
        if share >= _ALMOST:
            remarks.append(
                f"{second} all but repeats {first} ({share:.0%} follow from each other): a score "
                "would depend on the few labels that differ, so leave one out (`factors`)"
            )
        elif onto_second >= _ALMOST:
            following.setdefault(first, []).append(second)
        elif onto_first >= _ALMOST:
            following.setdefault(second, []).append(first)
    for name, others in following.items():
        verb = "follows" if len(others) == 1 else "follow"
        remarks.append(
            f"{first_few(others, _NAMED_OTHERS)} {verb} from {name}: metrics assume that "
            "factors vary independently, so a score with both means less (`factors`)"
        )
    return remarks


def _follows(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Share of the labels `other` (n,) that `one` (n,) determines, 0 (as without it) to 1.

    Each label is predicted from the most frequent one among the other images of its class in `one`,
    and counts less the more often the most frequent label overall would be right, too.
    """
    known = (one != UNKNOWN) & (other != UNKNOWN)
    if known.sum() < _MIN_COMPARED:
        return 0.0
    counts = np.zeros((one.max() + 1, max(other.max() + 1, 2)), np.int64)
    np.add.at(counts, (one[known], other[known]), 1)
    most = np.sort(counts, axis=1)
    rival = np.where(counts == most[:, -1:], most[:, -2:-1], most[:, -1:])
    right = counts[counts - 1 > rival].sum() / known.sum()
    usual = counts.sum(axis=0).max() / known.sum()
    return float((right - usual) / (1 - usual)) if usual < 1 else 0.0
