"""Copies of an image with the same labels count once.

Metrics learn from some labelled images and are tested on others. A copy on the other side is a test
image that was seen in training: even a code without any structure recognises it.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import UNKNOWN, Dataset, notes_of, quantities_of
from trainer.data.labels.weak_labels import Relabelled

MAX_LABELLED = 2_000  # images up to which copies are detected; among more they hardly matter


def labels_once(data: Dataset, firsts: NDArray[np.int64], files: tuple[str, ...]) -> Dataset:
    """`data` with labels for one of each group of copies with the same labels.

    firsts: (N,) the first image with the same content as each. files: their names, if any.
    """
    table = data.classes(np.arange(len(data)))
    kept: dict[tuple[int, ...], int] = {}
    again = []
    for image in np.flatnonzero((table != UNKNOWN).any(axis=1)).tolist():
        content = (int(firsts[image]), *table[image].tolist())
        if kept.setdefault(content, image) != image:
            again.append((image, kept[content]))
    if not again:
        return data
    table[[image for image, _ in again]] = UNKNOWN
    image, same = again[0]
    name = f"{files[image]} of {files[same]}" if files else f"{image} of {same}"
    many = "labelled image is a copy" if len(again) == 1 else "labelled images are copies"
    said = f"{len(again):,} {many} of others, such as {name}: copies count once"
    values = {name: held.copy() for name, held in quantities_of(data).items()}
    for held in values.values():
        held[[image for image, _ in again]] = np.nan
    notes = notes_of(data)
    notes = replace(notes, labels=(*notes.labels, said))
    return Relabelled(data, data.factors, table, notes, values)


def is_wanted(data: Dataset) -> bool:
    """Whether copies among the labelled images matter: if there are labels, but not very many."""
    if not data.factors:
        return False
    labelled = (data.classes(np.arange(len(data))) != UNKNOWN).any(axis=1).sum()
    return bool(0 < labelled <= MAX_LABELLED)
