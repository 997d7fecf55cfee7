"""Images embedded in the page: encoded, and as small as possible."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.analysis.formatting import fixed, number
from evaluation.report.traversals import Traversal

ROOM = 4_000_000  # characters in the page for the traversals of single runs
MAX_WIDTH = 432  # pixels of such an image
QUALITY = 55  # of WebP, 0 to 100


@dataclass(frozen=True)
class Picture:
    """An image in the page, `width` CSS pixels wide if there is room; alt: its description."""

    data: str
    alt: str
    width: int
    kind: str = "image/png"


@dataclass(frozen=True)
class Slider:
    """Traversals to be viewed one value at a time, next to their strip.

    sprite: base64 PNG of `rows` × `columns` images without gaps; labels: of its rows; values: of
    its columns.
    """

    title: str
    strip: Picture
    sprite: str
    rows: int
    columns: int
    labels: tuple[str, ...]
    values: tuple[str, ...]


def slider(traversal: Traversal, strip: Picture) -> Slider:
    """The traversals from the first image of a model."""
    rows, columns = traversal.images.shape[1:3]
    named = zip(traversal.latents, traversal.kl, strict=True)
    return Slider(
        traversal.title,
        strip,
        sheet(traversal.images[0]),
        rows,
        columns,
        labels=tuple(f"z{z}\n{fixed(kl, 2)} nats" for z, kl in named),
        values=tuple(number(float(value)) for value in traversal.values),
    )


def png(content: bytes, alt: str, width: int) -> Picture:
    """A PNG file as an image in the page."""
    return Picture(encoded(content), alt, width)


def encoded(content: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(content).decode("ascii")


def sheet(images: NDArray[np.float32]) -> str:
    """Images (rows, columns, C, H, W) in [0, 1] without gaps, as a PNG in base64."""
    rows, columns, channels, height, width = images.shape
    flat = images.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    pixels: NDArray[np.uint8] = (flat.clip(0, 1) * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(buffer, format="png")
    return encoded(buffer.getvalue())


def small_copies(files: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Images by name as base64 WebP, the first ones until `ROOM` is used up."""
    kept: dict[str, str] = {}
    left = ROOM
    for name, content in files:
        copy = _small(content)
        if copy is None:
            continue
        left -= len(copy)
        if left < 0:
            break
        kept[name] = copy
    return kept


def _small(content: bytes) -> str | None:
    """None for a damaged image, which must not break the report."""
    try:
        image = Image.open(io.BytesIO(content))
        image.thumbnail((MAX_WIDTH, 4 * MAX_WIDTH))
        buffer = io.BytesIO()
        image.save(buffer, format="webp", quality=QUALITY)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return encoded(buffer.getvalue())
