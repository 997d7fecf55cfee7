"""Images in a file of arrays: which array, its layout, and the meaning of its values."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.config.schema import FieldError, suggestion
from trainer.data.formats import pictures
from trainer.data.formats.arrays import open_arrays
from trainer.data.formats.named_arrays import Arrays, Kind
from trainer.data.images import copies
from trainer.data.images.pixel_range import Values, merged, range_of, values_of
from trainer.data.labels import array_labels
from trainer.errors import UserError

_BLOCK = 256
# usual names of the array of images, in order of preference
_NAMES = (
    *("images", "imgs", "image", "img", "pictures", "pixels", "frames", "data", "x", "X", "fea"),
    *("x_train", "X_train", "train_x", "train_X", "train_images", "images_train", "train_data"),
)
_CHANNELS = (1, 3, 4)  # if they come last
_FIRST = (1, 3)  # if they come first
_SIDE = 16  # pixels: an image this long is unlikely to be only one to four pixels wide
_EXPECTED = (
    "expected (n, height, width), (n, height, width, channels) or (n, channels, height, width)"
)


@dataclass(frozen=True)
class Layout:
    """How images are laid out in an array, once its first axis indexes the items.

    kind: "hw" (height, width), "hwc", "chw", or "flat", whose items are first reshaped to `shape`.
    last: whether the array's last axis indexes the images.
    """

    count: int
    height: int
    width: int
    channels: int
    kind: str
    shape: tuple[int, ...] = ()
    last: bool = False


class ArrayImages:
    """The images of one .npy, .npz, HDF5 or MATLAB file, and the labels stored with them.

    images_key, labels_key: names of the arrays; by default found by their usual names.
    shape: height, width and channels (in the order of the array) of flattened images.
    range: the values of black and white; by default inferred from the values' type and range.
    names: names for unnamed label columns. look: as for EncodedImages.

    Raises FieldError and UserError.
    """

    kind = "array"
    files: tuple[str, ...] = ()

    def __init__(
        self,
        path: Path,
        look: pictures.Look,
        images_key: str | None = None,
        labels_key: str | None = None,
        shape: Sequence[int] | None = None,
        range: Sequence[float] | None = None,
        names: Sequence[str] | None = None,
    ):
        self.path, self.look = path, look
        arrays = open_arrays(path)
        self.key = _images_key(arrays, images_key, shape)
        held = arrays.held[self.key]
        label_rows = array_labels.likely_count(arrays, self.key)
        self.layout = _layout(path, held, shape, arrays.matlab, label_rows)
        self.values = self._values(arrays)
        self.range = range_of(path, held.dtype, self.values, range)
        layout = self.layout
        self.count, self.size = layout.count, (layout.height, layout.width)
        self.sizes = [(layout.height, layout.width, layout.count)]
        self.gray, self.transparent = layout.channels == 1, layout.channels == 4
        self.binary = self.range.binary
        self.columns, self.label_remarks = array_labels.columns(
            arrays, self.key, self.count, labels_key, names
        )
        self.remarks = self._remarks(arrays, held, shape)
        usual = self.key == "images" or len(arrays.held) == 1
        self.identity: list[object] = [] if usual else [["key", self.key]]
        if self.layout.kind in ("chw", "flat") or self.layout.last:
            self.identity.append(["layout", self.layout.kind, shape and [*shape], self.layout.last])
        if self.range.given or held.dtype not in (np.uint8, np.bool_):
            self.identity.append(["range", self.range.low, self.range.high])
        if self.transparent or look.fit == "pad":
            self.identity.append(["background", *look.background])
        if look.fit != "crop":
            self.identity.append(look.fit)

    def content(self) -> str:
        """Hash of the file. Raises OSError."""
        return cache.content_hash([self.path])

    def copies(self) -> NDArray[np.int64]:
        """For each image, the first one with the same values (itself if no earlier one has)."""

        def compute() -> dict[str, Any]:
            blocks = open_arrays(self.path).blocks(self.key, _BLOCK, self.layout.last)
            return copies.find(item.tobytes() for items in blocks for item in items)

        found = cache.remembered("copies", [self.path], compute, self.key, self.count, 1)
        return copies.as_array(found, self.count)

    def read(self, shape: tuple[int, int, int]) -> Iterator[NDArray[np.uint8]]:
        """All images as bytes (n, channels, height, width), in blocks. Raises UserError."""
        height, width, channels = self.layout.height, self.layout.width, self.layout.channels
        unchanged = shape == (channels, height, width)
        for items in open_arrays(self.path).blocks(self.key, _BLOCK, self.layout.last):
            images = self.range.bytes_of(self._channels_last(items))
            if unchanged:
                yield images.transpose(0, 3, 1, 2)
            else:
                prepared = [
                    pictures.prepare(pictures.from_array(image), shape, self.look)
                    for image in images
                ]
                yield np.stack(prepared)

    def _channels_last(self, items: NDArray) -> NDArray:
        """Items of the array as (n, height, width, channels)."""
        layout = self.layout
        if layout.kind == "flat":
            items = items.reshape(len(items), *layout.shape)
        if layout.kind == "chw" or (len(layout.shape) == 3 and _chw(layout.shape)):
            items = np.moveaxis(items, 1, -1)
        return items.reshape(len(items), layout.height, layout.width, layout.channels)

    def _values(self, arrays: Arrays) -> Values:
        """The smallest and the largest value, read once and cached."""

        def compute() -> dict[str, Any]:
            blocks = arrays.blocks(self.key, _BLOCK, self.layout.last)
            return merged(values_of(block) for block in blocks).as_mapping()

        return Values(**cache.remembered("values", [self.path], compute, self.key, 1))

    def _remarks(self, arrays: Arrays, held: Kind, shape: Sequence[int] | None) -> tuple[str, ...]:
        layout, remarks = self.layout, []
        images_like = [
            name
            for name, kind in arrays.held.items()
            if name != self.key and len(kind.shape) >= 3 and kind.dtype.kind in "buif"
        ]
        if images_like:
            held_too = ", ".join(images_like[:4])
            remarks.append(f"the images are {self.key}; the file also has {held_too}")
        if layout.kind == "chw" or layout.last or arrays.matlab:
            form = "×".join(map(str, (layout.height, layout.width, layout.channels)))
            remarks.append(f"{self.key} {held.shape} is read as {layout.count:,} images of {form}")
        remarks += self.range.remarks(self.key, held.dtype, self.values)
        return tuple(remarks)


def _images_key(arrays: Arrays, wanted: str | None, shape: Sequence[int] | None) -> str:
    held = {name: kind for name, kind in arrays.held.items() if kind.dtype.kind in "buif"}
    if wanted is not None:
        if wanted in held:
            return wanted
        problem = f"{arrays.path} has no array {wanted!r}{suggestion(wanted, held)}"
        raise FieldError(problem, ("images_key",))
    if len(held) == 1:
        return next(iter(held))
    by_last = {name.split("/")[-1]: name for name in held}
    for name in _NAMES:
        if name in by_last and len(held[by_last[name]].shape) > 1:
            return by_last[name]
    if not held:
        others = ", ".join(arrays.objects[:4])
        why = f" ({others}: objects and structures are never loaded)" if others else ""
        raise UserError(
            f"{arrays.path}: has no array of numbers{why}; save the images as one array"
        )
    large = [name for name, kind in held.items() if len(kind.shape) in (3, 4)]
    if shape is not None and not large:
        large = [name for name, kind in held.items() if math.prod(shape) in kind.shape]
    if len(large) == 1:
        return large[0]
    shown = ", ".join(f"{name} {kind.shape}" for name, kind in list(held.items())[:8])
    raise UserError(
        f"{arrays.path}: contains {shown or 'no array of numbers'}; specify the array of images "
        "with images_key"
    )


def _layout(
    path: Path, held: Kind, shape: Sequence[int] | None, matlab: bool, rows: int | None
) -> Layout:
    if held.dtype.kind not in "buif":
        raise UserError(f"{path}: contains {held.dtype}, not numbers")
    if 0 in held.shape:
        raise UserError(f"{path}: an array {held.shape} contains no images: it is empty")
    if shape is not None:
        return _shaped(path, held.shape, tuple(shape))
    dims = held.shape
    if len(dims) < 2:
        raise UserError(f"{path}: an array {dims} is not images; {_EXPECTED}")
    last = _counted_last(dims, rows, matlab)
    items = dims[:-1] if last else dims[1:]
    count = dims[-1] if last else dims[0]
    if len(items) == 2:
        if problem := _not_images(dims, items, certain=matlab or rows is not None):
            raise UserError(f"{path}: an array {dims} {problem}")
        return Layout(count, items[0], items[1], 1, "hw", last=last)
    if len(items) == 3 and items[0] in _FIRST and items[2] in _CHANNELS:
        raise UserError(f"{path}: an array {dims} may have its channels first or last; {_EXPECTED}")
    if len(items) == 3 and items[2] in _CHANNELS:
        return Layout(count, items[0], items[1], items[2], "hwc", last=last)
    if len(items) == 3 and items[0] in _FIRST:
        return Layout(count, items[1], items[2], items[0], "chw", last=last)
    flat = ""
    if len(items) == 1:
        flat = f"; if its images are flattened, set shape: {_example(items[0])}"
    raise UserError(f"{path}: an array {dims} is not images; {_EXPECTED}{flat}")


def _not_images(dims: tuple[int, ...], items: tuple[int, ...], certain: bool) -> str:
    """Why items with two axes are unlikely to be grey images; "" if they may be.

    certain: whether it is known which axis indexes the images.
    """
    height, width = items
    if width in _CHANNELS and height >= _SIDE:
        return f"looks like a single image; {_EXPECTED}"
    if height in _CHANNELS and width >= _SIDE:
        channels = [3] if height == 3 else []
        pixels = width if channels else height * width
        shape = f"[{', '.join(map(str, channels))}{', ' if channels else ''}{_example(pixels)[1:]}"
        return f"looks like flattened images; set shape: {shape}"
    if not certain and dims[0] == dims[1] != dims[2]:
        return (
            f"may be {dims[0]} images of {dims[1]} x {dims[2]} or {dims[2]} of {dims[0]} x "
            f"{dims[1]}; specify shape: [{dims[1]}, {dims[2]}] or [{dims[0]}, {dims[1]}]"
        )
    return ""


def _example(pixels: int) -> str:
    """The shape of a square image with this many pixels; a placeholder if there is none."""
    side = math.isqrt(pixels)
    return f"[{side}, {side}]" if side * side == pixels else "[height, width]"


def _counted_last(dims: tuple[int, ...], rows: int | None, matlab: bool) -> bool:
    """Whether the last axis of an array indexes the images: common in MATLAB, rare elsewhere.

    rows: the number of images suggested by the labels.
    """
    if len(dims) not in (3, 4):
        return False
    if not matlab:
        if len(dims) == 3:
            return dims[0] == dims[1] != dims[2] == rows
        return min(dims[:2]) > 4 and dims[2] in _FIRST and dims[3] not in _CHANNELS
    if rows in (dims[0], dims[-1]) and dims[0] != dims[-1]:
        return rows == dims[-1]
    if len(dims) == 4:
        return dims[2] in _CHANNELS and dims[3] not in _CHANNELS
    return dims[1] != dims[2] or dims[0] == dims[1]


def _shaped(path: Path, dims: tuple[int, ...], shape: tuple[int, ...]) -> Layout:
    pixels = math.prod(shape)
    usable = len(shape) in (2, 3) and min(shape) > 0
    if not usable or (len(shape) == 3 and not (shape[2] in _CHANNELS or _chw(shape))):
        problem = "expected [height, width], [height, width, channels] or [channels, height, width]"
        raise FieldError(f"{problem}, got {[*shape]}", ("shape",))
    last = math.prod(dims[1:]) != pixels and math.prod(dims[:-1]) == pixels
    if not last and math.prod(dims[1:]) != pixels:
        each = math.prod(dims[1:])
        problem = f"{[*shape]} has {pixels} values, but an image of {path} {dims} has {each}"
        raise FieldError(problem, ("shape",))
    count = dims[-1] if last else dims[0]
    if len(shape) == 2:
        return Layout(count, shape[0], shape[1], 1, "flat", shape, last)
    channels, height, width = shape if _chw(shape) else (shape[2], *shape[:2])
    return Layout(count, height, width, channels, "flat", shape, last)


def _chw(shape: tuple[int, ...]) -> bool:
    """Whether a three-dimensional shape has its channels first."""
    return shape[0] in _FIRST and shape[2] not in _CHANNELS
