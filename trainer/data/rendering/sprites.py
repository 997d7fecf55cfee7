"""Geometry of dSprites (Matthey et al. 2017): three polygons, placed by the factors.

Lengths are in pixels of the original 64 x 64 image, y down, with its corner at (0, 0). Found by
comparison with images of the original file: all but a few boundary pixels agree.
"""

import numpy as np
from numpy.typing import NDArray

VERSION = 1  # incremented whenever a pixel of any rendered image would change
FRAME = 64.0

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}

SCALES = np.linspace(0.5, 1, FACTORS["scale"])
ORIENTATIONS = np.linspace(
    0, 2 * np.pi, FACTORS["orientation"]
)  # including both ends: 0 and 39 are the same image
POSITIONS = 16 + 32 * np.linspace(0, 1, FACTORS["posX"])  # of the sprite's centre, in x as in y


def square() -> NDArray[np.float64]:
    """Corners (4, 2) of the square of half-side 9.6."""
    return 9.6 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def ellipse() -> NDArray[np.float64]:
    """Vertices (64, 2) on the ellipse of semi-axes 12.78 and 7.22, from angle 0."""
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack([12.78 * np.cos(t), 7.22 * np.sin(t)], axis=1)


def heart() -> NDArray[np.float64]:
    """Vertices (150, 2) on the heart curve, tip down."""
    t = np.linspace(0, 2 * np.pi, 150, endpoint=False)
    x = 9.6 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x, -19.2 / 29 * y - 1.44], axis=1)


SHAPES = ("square", "ellipse", "heart")  # the classes of the factor "shape"
OUTLINES = (square(), ellipse(), heart())


def outline(shape: int, scale: int, orientation: int) -> NDArray[np.float64]:
    """Vertices (n, 2), as (x, y) from the sprite's centre, of the sprite with these classes.

    A point d from the centre is inside the sprite when R(angle) d / scale is inside the upright
    shape of scale 1, with R = [[cos, -sin], [sin, cos]]; its vertices q are therefore drawn at
    scale * R^T q.
    """
    cos, sin = np.cos(ORIENTATIONS[orientation]), np.sin(ORIENTATIONS[orientation])
    return SCALES[scale] * OUTLINES[shape] @ np.array([[cos, -sin], [sin, cos]])
