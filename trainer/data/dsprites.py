"""The data set `dsprites`: one binary sprite per image, made from five known factors."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.config.run import digest
from trainer.config.schema import FieldError, suggestion
from trainer.data.cached import CachedImages, checked
from trainer.data.formats import dsprites_npz
from trainer.data.rendering import sprites
from trainer.data.rendering.scanline import draw
from trainer.files import expand

MAX_NOISE = 0.2  # beyond, too much of it is clipped at black and white
DARK, LIGHT = 0.25, 0.75  # of 1, ground and sprite under noise


class DSprites(CachedImages):
    """dSprites, rendered from its geometry or read from the original file.

    Images come in the order of the original: shape slowest, then scale, orientation, posX and posY.

    size: side of the images in pixels, a multiple of 8 from 16 to 512; the scene is the same at
        every size.
    factors: the part of the set to use; for each factor a number (that many classes, evenly spaced)
        or a list of classes, 0-based, as in the original. Factors that are omitted keep all their
        classes. The remaining classes are renumbered from 0; a factor with one class is kept, with
        size 1.
    noise: standard deviation of Gaussian noise on every pixel, up to 0.2 of the range from black to
        white. The sprites are then light gray on dark gray, where noise of either sign has room.
    path: the original `dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz`; without it, images are
        rendered.
    chosen: (attribute) the original classes in use, by factor.

        load("dsprites", size=32, factors={"shape": [1], "orientation": 8})

    Raises FieldError for invalid options, UserError for an invalid file.
    """

    name = "dsprites"
    quantity_names = ("scale", "posX", "posY")  # orientation is an angle

    def __init__(
        self,
        *,
        size: int = 64,
        factors: Mapping[str, int | tuple[int, ...]] | None = None,
        noise: float = 0.0,
        path: str | None = None,
    ):
        if not 0 <= noise <= MAX_NOISE:
            problem = f"expected a number from 0 to {MAX_NOISE}, got {noise}"
            raise FieldError(problem, ("noise",))
        if path is not None and noise:
            raise FieldError("images read from `path` have no noise; omit noise", ("noise",))
        if size % 8 or not 16 <= size <= 512:
            raise FieldError(f"expected a multiple of 8 from 16 to 512, got {size}", ("size",))
        if path is not None and size != sprites.FRAME:
            raise FieldError("images read from `path` are 64 pixels wide; omit size", ("size",))
        self.chosen = _choose(factors or {})
        self.factors = {name: len(classes) for name, classes in self.chosen.items()}
        self.class_names = {"shape": [sprites.SHAPES[i] for i in self.chosen["shape"]]}
        self.count = int(np.prod(list(self.factors.values())))
        self.shape = (1, size, size)
        self.noise, self.levels = noise, 255 if noise else 1
        self.path = None if path is None else expand(path)
        self.labels_fingerprint = digest(["dsprites", self.chosen])
        if self.path is None:
            self.source = "rendered"
            identity: list[object] = ["dsprites", sprites.VERSION, size, self.chosen]
            self.fingerprint = digest([*identity, noise] if noise else identity)
        else:
            self.source = "npz"
            self.fingerprint = digest(["dsprites npz", dsprites_npz.check(self.path), self.chosen])

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Classes (n, 5) of shape, scale, orientation, posX and posY, within the chosen ones."""
        grid = tuple(self.factors.values())
        return np.stack(np.unravel_index(checked(indices, self.count), grid), axis=1)

    def rows(self) -> Iterator[NDArray[np.uint8]]:
        """All images in blocks of n: packed bits (n, size * size / 8), or bytes with noise."""
        if self.path is not None:
            grid = np.ix_(*self.chosen.values())
            wanted = np.ravel_multi_index(grid, tuple(sprites.FACTORS.values())).ravel()
            yield from dsprites_npz.rows(self.path, wanted)
            return
        generator = np.random.default_rng(0)
        for bits in self._rendered():
            yield _noisy(bits, self.noise, generator) if self.noise else bits

    def _rendered(self) -> Iterator[NDArray[np.uint8]]:
        xs = sprites.POSITIONS[self.chosen["posX"]]
        ys = sprites.POSITIONS[self.chosen["posY"]]
        size = self.shape[1]
        for shape in self.chosen["shape"]:
            for scale in self.chosen["scale"]:
                for orientation in self.chosen["orientation"]:
                    outline = sprites.outline(shape, scale, orientation)
                    bits = draw(outline, xs, ys, size, sprites.FRAME)
                    yield bits.reshape(len(xs) * len(ys), -1)


def _noisy(
    bits: NDArray[np.uint8], noise: float, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Bytes (n, pixels) of packed bits (n, pixels / 8), in gray and with noise."""
    clean = DARK + (LIGHT - DARK) * np.unpackbits(bits, axis=1).astype(np.float32)
    noisy = clean + noise * generator.standard_normal(clean.shape, np.float32)
    return (noisy.clip(0, 1) * 255).round().astype(np.uint8)


def _choose(wanted: Mapping[str, int | Sequence[int]]) -> dict[str, list[int]]:
    """The chosen classes of every factor, ascending."""
    for name in wanted:
        if name not in sprites.FACTORS:
            problem = f"unknown factor{suggestion(name, sprites.FACTORS)}"
            raise FieldError(problem, ("factors", str(name)))
    chosen = {}
    for name, size in sprites.FACTORS.items():
        want = wanted.get(name, size)
        if isinstance(want, int):
            if not 1 <= want <= size:
                raise FieldError(f"expected 1 to {size} classes, got {want}", ("factors", name))
            chosen[name] = _evenly(want, name)
        else:
            if not want or len(set(want)) < len(want) or not set(want) <= set(range(size)):
                problem = f"expected different classes from 0 to {size - 1}, got {list(want)}"
                raise FieldError(problem, ("factors", name))
            chosen[name] = sorted(want)
    return chosen


def _evenly(count: int, name: str) -> list[int]:
    """`count` evenly spaced classes: middles of equal parts, or equal steps around the circle."""
    size = sprites.FACTORS[name]
    if name == "orientation" and count < size:
        return [k * (size - 1) // count for k in range(count)]  # the last class is the first again
    return [(2 * k + 1) * size // (2 * count) for k in range(count)]
