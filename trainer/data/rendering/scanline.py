"""One polygon drawn at many positions, exactly and fast, straight into bits.

A pixel is set when its centre is inside the polygon (even-odd rule; nothing is anti-aliased). A row
of pixels meets the outline at a few crossings, and a pixel is inside if the number of crossings to
its right is odd. So a row of the image is the XOR, over its crossings, of "all pixels left of the
crossing", which is one entry of a small table; x and y positions separate, as moving the sprite
sideways only shifts the crossings.
"""

import numpy as np
from numpy.typing import NDArray


def draw(
    outline: NDArray[np.float64],
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    size: int,
    frame: float,
) -> NDArray[np.uint8]:
    """Images of the polygon at every (x, y), as packed bits (len(xs), len(ys), size * size / 8).

    outline: vertices (n, 2) relative to the polygon's centre; xs, ys: positions of the centre;
    `frame` is the side of the image in the same unit, and `size`, a multiple of 8, its side in
    pixels.
    """
    centres = (np.arange(size) + 0.5) * (frame / size)
    # of every row at every y position, relative to the sprite's centre
    heights = (centres - ys[:, None]).ravel()
    met = (outline[:, 1].min() <= heights) & (heights <= outline[:, 1].max())
    crossings = _crossings(outline, heights[met])
    left = np.ceil((crossings[:, None, :] + xs[:, None]) * (size / frame) - 0.5)
    left = np.clip(left, 0, size).astype(np.intp)  # pixels whose centre is left of each crossing
    images = np.zeros((len(xs), len(heights), size // 8), np.uint8)
    images[:, met] = np.bitwise_xor.reduce(_first_pixels(size)[left], axis=0)
    return images.reshape(len(xs), len(ys), size * size // 8)


def _crossings(outline: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """x (c, len(heights)) where the outline crosses each height, unsorted, padded with infinity.

    Every column has an even number of crossings (the outline is closed) and of infinities, which
    therefore do not change its parity.
    """
    x, y = outline.T
    next_x, next_y = np.roll(outline, -1, axis=0).T
    crosses = (y <= heights[:, None]) != (next_y <= heights[:, None])
    row, edge = np.nonzero(crosses)
    counts = np.bincount(row, minlength=len(heights))
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.full((counts.max(initial=0), len(heights)), np.inf)
    slope = (next_x[edge] - x[edge]) / (next_y[edge] - y[edge])
    found[rank, row] = x[edge] + (heights[row] - y[edge]) * slope
    return found


def _first_pixels(size: int) -> NDArray[np.uint8]:
    """Table (size + 1, size / 8): entry k is a row of bits with the first k pixels set."""
    return np.packbits(np.arange(size) < np.arange(size + 1)[:, None], axis=1)
