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


def labels_once(data: Dataset, made: Dataset) -> Dataset:
    """`data` with labels for one of each group of copies with the same labels.

    made: the images of `data`. Where it can tell copies, `made.copies()` is the first image with
        the same content as each, (N,); it reads pixels, and is asked only where copies matter: if
        there are labels, but not very many. `made.files`: their names, if any.
    """
    if not data.factors or not hasattr(made, "copies"):
        return data
    table = data.classes(np.arange(len(data)))
    labelled = np.flatnonzero((table != UNKNOWN).any(axis=1))
    if not 0 < len(labelled) <= MAX_LABELLED:
        return data
    firsts: NDArray[np.int64] = made.copies()
    files: tuple[str, ...] = getattr(made, "files", ())
    kept: dict[tuple[int, ...], int] = {}
    again = []
    for image in labelled.tolist():
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
