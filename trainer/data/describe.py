"""Describes a data set: what was read, which factors are used, what was left out; and a preview."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.config.schema import first_few
from trainer.data.dataset import UNKNOWN, Dataset, notes_of

_MAX_SHOWN = 12  # factors on one line
_SHEET = 64  # images on a contact sheet
_TILE = 64  # minimum pixels per image on it


def describe(data: Dataset) -> list[str]:
    """What a user should know before training starts, in sentences."""
    notes = notes_of(data)
    return [*notes.images, factors_in_words(data), *notes.labels]


def factors_in_words(data: Dataset) -> str:
    """The factors used, with their classes and numbers of labelled images."""
    if not data.factors:
        return "factors: none, since no image is labelled"
    known = (data.classes(np.arange(len(data))) != UNKNOWN).sum(axis=0)
    parts = [
        f"{name} ({classes} class{'' if classes == 1 else 'es'}, {count:,} images labelled)"
        for (name, classes), count in zip(data.factors.items(), known, strict=True)
    ]
    return f"factors: {first_few(parts, _MAX_SHOWN)}"


def never_varies(data: Dataset) -> bool:
    """Whether all images are equal; reads pixels, and stops at the first that differs."""
    rows = data.stored()
    return all((block == rows[0]).all() for block in _blocks(rows))


def value_range(data: Dataset) -> tuple[int, int]:
    """The smallest and the largest pixel value; reads all pixels."""
    rows = data.stored()
    if data.levels == 1:
        bits = int(np.prod(data.shape))
        rows_of_bits = (np.unpackbits(block, axis=1, count=bits) for block in _blocks(rows))
        ends = [(int(block.min()), int(block.max())) for block in rows_of_bits]
        return min(low for low, _ in ends), max(high for _, high in ends)
    ends = [(int(block.min()), int(block.max())) for block in _blocks(rows)]
    return min(low for low, _ in ends), max(high for _, high in ends)


def save_contact_sheet(data: Dataset, path: Path) -> Path:
    """Writes a sheet of at most 64 evenly spaced images to `path` (PNG)."""
    count = min(_SHEET, len(data))
    chosen = np.arange(count) * len(data) // count
    pixels = data.images(chosen).astype(np.uint16) * (255 // data.levels)
    _, height, width = data.shape
    zoom = max(1, _TILE // max(height, width))
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    gap = 2
    tile = (height * zoom + gap, width * zoom + gap)
    sheet = np.full((rows * tile[0] + gap, columns * tile[1] + gap, 3), 128, np.uint8)
    for place, image in enumerate(pixels.astype(np.uint8).transpose(0, 2, 3, 1)):
        top, left = gap + place // columns * tile[0], gap + place % columns * tile[1]
        large = image.repeat(zoom, axis=0).repeat(zoom, axis=1)
        sheet[top : top + height * zoom, left : left + width * zoom] = large
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(path)
    return path


def _blocks(rows: np.ndarray, size: int = 4096) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
