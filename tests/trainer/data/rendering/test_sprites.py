"""The renderer against a literal transcription of the geometry, and against known areas."""

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from tests.trainer.data import literal
from trainer.data.rendering import sprites
from trainer.data.rendering.scanline import draw


def drawn(shape, scale, orientation, size=64):
    """Images (32, 32, size, size) by posX and posY."""
    outline = sprites.outline(shape, scale, orientation)
    bits = draw(outline, sprites.POSITIONS, sprites.POSITIONS, size, sprites.FRAME)
    return np.unpackbits(bits, axis=2).reshape(32, 32, size, size)


@pytest.mark.parametrize("size", [64, 32, 16, 128])
def test_equals_the_literal_renderer(size):
    random = np.random.default_rng(size)
    for _ in range(60):
        shape, scale, orientation = (int(random.integers(n)) for n in (3, 6, 40))
        images = drawn(shape, scale, orientation, size)
        for x, y in random.integers(32, size=(6, 2)):
            expected = literal.image(shape, scale, orientation, x, y, size)
            assert np.array_equal(images[x, y], expected), (shape, scale, orientation, x, y)


@pytest.mark.parametrize("shape", [0, 1, 2])
def test_equals_matplotlib_point_in_polygon(shape):
    outline = sprites.outline(shape, 3, 7) + sprites.POSITIONS[[5, 30]]
    centres = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5), axis=-1)
    expected = Polygon(outline).contains_points(centres.reshape(-1, 2)).reshape(64, 64)
    assert np.array_equal(drawn(shape, 3, 7)[5, 30], expected)


@pytest.mark.parametrize(
    ("shape", "scale", "area"),
    [(0, 5, 400), (1, 5, 288), (2, 5, 222), (0, 0, 100), (1, 0, 76), (2, 0, 58)],
)
def test_areas_are_those_of_the_original(shape, scale, area):
    assert drawn(shape, scale, 0)[0, 0].sum() == area


@pytest.mark.parametrize("shape", [0, 1, 2])
def test_first_and_last_orientation_and_corner_positions(shape):
    images = drawn(shape, 2, 0)
    assert np.array_equal(images, drawn(shape, 2, 39))
    # the first and the last position are 32 whole pixels apart
    assert np.array_equal(images[0, 0, :32, :32], images[31, 31, 32:, 32:])


def test_every_sprite_is_completely_inside_the_image():
    for shape in range(3):
        for orientation in range(40):
            images = drawn(shape, 5, orientation)
            assert not images[:, :, [0, -1]].any() and not images[..., [0, -1]].any()


def test_a_polygon_that_leaves_the_picture_is_cut_off():
    square = 10.0 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    bits = draw(square, np.array([0.0, 40.0]), np.array([12.0]), 16, 16.0)
    images = np.unpackbits(bits, axis=2).reshape(2, 16, 16)
    assert images[0].sum() == 10 * 14 and images[0, 2:, :10].all()
    assert not images[1].any()


def test_the_heart_points_down():
    rows = np.flatnonzero(drawn(2, 5, 0)[15, 15].any(axis=1))
    widths = drawn(2, 5, 0)[15, 15].sum(axis=1)
    assert widths[rows[-1]] < 4 < widths[rows[4]]
