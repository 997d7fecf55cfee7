"""The data set `folder`: the user's own images, as image files or as arrays."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.config.run import digest
from trainer.config.schema import FieldError
from trainer.data.cached import CachedImages, checked
from trainer.data.dataset import Notes, read_as_numbers
from trainer.data.formats import pictures
from trainer.data.formats.picture_folder import PictureFolder, names_below
from trainer.data.images.array_images import ArrayImages
from trainer.data.images.encoded_images import EncodedImages, Pictures
from trainer.data.labels.factors import BINS, read_columns
from trainer.data.labels.unknown_cells import Missing
from trainer.data.labels.weak_labels import Bins, fingerprint_of
from trainer.errors import UserError
from trainer.files import expand


class Images(Protocol):
    """The interface of `EncodedImages` and `ArrayImages`: facts about the images, and their pixels.

    size: height and width of the first image. sizes: height, width and number of images of each
    size. identity: what determines the pixels besides the files' content. columns: labels.
    """

    kind: str
    files: tuple[str, ...]
    count: int
    size: tuple[int, int]
    sizes: list[tuple[int, int, int]]
    gray: bool
    binary: bool
    transparent: bool
    remarks: tuple[str, ...]
    label_remarks: tuple[str, ...]
    identity: list[object]
    columns: dict[str, NDArray]

    def content(self) -> str:
        """Hash of all files. Raises OSError."""
        ...

    def copies(self) -> NDArray[np.int64]:
        """For each image, the first one with the same content (itself if no earlier one has)."""
        ...

    def read(self, shape: tuple[int, int, int]) -> Iterator[NDArray[np.uint8]]:
        """All images as bytes (n, channels, height, width), in blocks. Raises UserError."""
        ...


class ImageFolder(CachedImages):
    """The user's own images, with the labels stored next to them; `labels` of `load` adds a table.

    path: a folder, searched with all its subfolders, of PNG, JPEG, WebP, BMP, TIFF, GIF, PPM …
        files, in natural order of their names (2 before 10); or of Parquet files; or one .npy,
        .npz, .h5, .mat or .parquet file.
    size: side in pixels to which all images are resized; by default all must match the first.
    gray: true for one channel, false for three; by default three if any image has colour.
    binary: true for black and white, split at half grey (implied if all values are 0 or 1, or
        bool).
    background: the colour behind transparent pixels and of the padding: a name, `#rrggbb`, or three
        numbers.
    fit: how images with other proportions are fitted to `size`: cropped at the centre, padded, or
        stretched.
    images_key, labels_key: the names of the arrays (for Parquet, of the image column), if they are
        not the usual ones.
    shape: of the images in an array with flattened rows: [height, width], or with the channels.
    range: the values of black and white in an array, if they cannot be inferred.
    factors: names for label columns that have none.
    bins: number of classes into which continuous labels are cut, at their quantiles; or by name.
    missing: numbers or words that mark missing values in label columns; by default numbers such as
        -999 are detected.
    files: (attribute) names of the image files relative to `path`, in order; empty for an array.

    Subfolder names are a factor if every image is in a subfolder. Raises FieldError for invalid
    options, UserError for files that cannot be used.
    """

    name = "folder"

    def __init__(
        self,
        *,
        path: str,
        size: int | None = None,
        gray: bool | None = None,
        binary: bool = False,
        background: str | tuple[int, ...] = "white",
        fit: pictures.Fit = "crop",
        images_key: str | None = None,
        labels_key: str | None = None,
        shape: tuple[int, ...] | None = None,
        range: tuple[float, ...] | None = None,
        factors: tuple[str, ...] | None = None,
        bins: Bins = BINS,
        missing: Missing | None = None,
    ):
        if size is not None and size < 1:
            raise FieldError(f"expected 1 or more, got {size}", ("size",))
        look = pictures.Look(_colour(background), fit)
        self.path = expand(path)
        self.resize = size is not None
        pictures_of = _pictures(self.path, images_key)
        self.reader: Images
        if pictures_of is None:
            self.reader = ArrayImages(
                self.path, look, images_key, labels_key, shape, range, factors
            )
        else:
            _reject_array_options(self.path, labels_key=labels_key, shape=shape, range=range)
            self.reader = EncodedImages(pictures_of, self.path, self.resize, look)
        self.source, self.files, self.count = (
            self.reader.kind,
            self.reader.files,
            self.reader.count,
        )
        height, width = self.reader.size
        channels = self._channels(gray, look.background)
        self.shape = (channels, size or height, size or width)
        self.levels = 1 if binary or self.reader.binary else 255
        self.fingerprint = digest(
            ["folder", self._content(), self.shape, self.resize, self.levels, *self.reader.identity]
        )
        found = read_columns(self.reader.columns, self.count, bins, missing=missing)
        self.factors = found.sizes
        self.notes = Notes(
            images=self.reader.remarks + self._fitted(look.fit),
            labels=self.reader.label_remarks + found.remarks,
            left_out=found.left_out,
        )
        self.table = found.classes.astype(np.int32)
        self.quantities = found.values
        self.quantity_names = found.quantity_names
        self.numbers = read_as_numbers(found.quantity_names, found.values, self.table)
        self.labels_fingerprint = fingerprint_of(self.factors, self.table, self.quantities)

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Classes (n, factors) of the labels stored next to the images; UNKNOWN if unlabelled."""
        return self.table[checked(indices, self.count)].astype(np.int64)

    def copies(self) -> NDArray[np.int64]:
        """For each image, the first one with the same content (itself if no earlier one has).

        Raises UserError for files that cannot be read.
        """
        try:
            return self.reader.copies()
        except OSError as error:
            raise UserError(f"{error.filename or self.path}: {error.strerror or error}") from None

    def rows(self) -> Iterator[NDArray[np.uint8]]:
        """All images in blocks of rows, as Dataset.stored. Raises UserError naming bad files."""
        for images in self.reader.read(self.shape):
            flat = images.reshape(len(images), -1)
            yield np.packbits(flat >= 128, axis=1) if self.levels == 1 else flat

    def _channels(self, gray: bool | None, background: pictures.Colour) -> int:
        hued = self.reader.transparent and not pictures.is_gray(background)
        return 1 if (self.reader.gray and not hued if gray is None else gray) else 3

    def _fitted(self, fit: str) -> tuple[str, ...]:
        """How images with other proportions than requested were handled."""
        if not self.resize:
            return ()
        oblong = [(h, w, count) for h, w, count in self.reader.sizes if h != w]
        if not oblong:
            return ()
        height, width, _ = oblong[0]
        how = {
            "crop": "cropped to centred squares (fit: crop; pad and stretch keep everything)",
            "pad": "padded to squares (fit: pad)",
            "stretch": "stretched to squares (fit: stretch)",
        }
        count = sum(count for *_, count in oblong)
        images = "1 image is" if count == 1 else f"{count:,} images are"
        return (f"{images} not square, such as one of {width} x {height}: {how[fit]}",)

    def _content(self) -> str:
        try:
            return self.reader.content()
        except OSError as error:
            raise UserError(f"{error.filename or self.path}: {error.strerror or error}") from None


def _pictures(path: Path, images_key: str | None) -> Pictures | None:
    """The image files at a path; None if it is a file of arrays, or does not exist."""
    if path.is_dir() and not _contains_only_parquet(path):
        if images_key is not None:
            raise FieldError("a folder of image files has no keys", ("images_key",))
        return PictureFolder(path)
    if path.is_dir() or path.suffix.lower() == ".parquet":
        try:
            from trainer.data.formats.parquet import Parquet
        except ImportError:
            raise UserError(f"{path}: to read Parquet files, install pyarrow") from None

        return Parquet(path, images_key)
    return None


def _contains_only_parquet(path: Path) -> bool:
    if not any(name.endswith(".parquet") for name in names_below(path)):
        return False
    try:
        PictureFolder(path)
    except UserError:
        return True
    return False


def _reject_array_options(path: Path, **options: object) -> None:
    for key, value in options.items():
        if value is not None:
            raise FieldError(f"is for arrays, but {path} contains image files", (key,))


def _colour(given: str | Sequence[int]) -> pictures.Colour:
    try:
        return pictures.colour(given if isinstance(given, str) else tuple(given))
    except UserError as error:
        raise FieldError(str(error), ("background",)) from None
