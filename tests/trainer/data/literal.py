"""dSprites one image at a time, straight from the geometry: slow, to judge the fast renderer."""

import numpy as np


def classes(index: int) -> tuple[int, int, int, int, int]:
    """Shape, scale, orientation, posX and posY of an image, posY fastest."""
    index, pos_y = divmod(index, 32)
    index, pos_x = divmod(index, 32)
    index, orientation = divmod(index, 40)
    shape, scale = divmod(index, 6)
    return shape, scale, orientation, pos_x, pos_y


def polygon(shape: int) -> list[tuple[float, float]]:
    if shape == 0:
        return [(-9.6, -9.6), (9.6, -9.6), (9.6, 9.6), (-9.6, 9.6)]
    if shape == 1:
        angles = [2 * np.pi * k / 64 for k in range(64)]
        return [(12.78 * np.cos(a), 7.22 * np.sin(a)) for a in angles]
    return [
        (
            9.6 * np.sin(t) ** 3,
            -(19.2 / 29) * (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
            - 1.44,
        )
        for t in (2 * np.pi * k / 150 for k in range(150))
    ]


def image(shape, scale, orientation, pos_x, pos_y, size=64):
    """Pixels (size, size): every pixel's centre is turned back and tested in the upright shape."""
    x, y = np.meshgrid((np.arange(size) + 0.5) * 64 / size, (np.arange(size) + 0.5) * 64 / size)
    x = x - (16 + 32 * pos_x / 31)
    y = y - (16 + 32 * pos_y / 31)
    angle, factor = 2 * np.pi * orientation / 39, 0.5 + 0.1 * scale
    u = (np.cos(angle) * x - np.sin(angle) * y) / factor
    v = (np.sin(angle) * x + np.cos(angle) * y) / factor
    corners = polygon(shape)
    inside = np.zeros((size, size), bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 != y1:  # a ray to the right of the pixel's centre crosses this edge
            inside ^= ((y0 > v) != (y1 > v)) & (u < x0 + (v - y0) * (x1 - x0) / (y1 - y0))
    return inside.astype(np.uint8)
