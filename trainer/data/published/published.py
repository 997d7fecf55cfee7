"""What published data sets share: known factors, and images read once as bytes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer.config.run import digest
from trainer.config.schema import FieldError
from trainer.data.cached import CachedImages, checked
from trainer.data.dataset import Notes
from trainer.data.formats import pictures
from trainer.data.formats.picture_folder import PictureFiles, in_natural_order, names_below
from trainer.data.images.encoded_images import EncodedImages
from trainer.data.labels.weak_labels import content
from trainer.errors import UserError
from trainer.files import expand


@dataclass(frozen=True)
class Known:
    """The factors of all images.

    sizes: number of classes by factor. classes: (images, factors). left_out: why other columns are
        not factors.
    """

    sizes: Mapping[str, int]
    classes: NDArray[np.integer]
    left_out: Mapping[str, str] = field(default_factory=dict)


def by_value(columns: Mapping[str, NDArray], count: int) -> Known:
    """Factors whose distinct values, in order, are the classes 0, 1, 2, …

    columns: each factor's value for each of `count` images. Those with one value are left out.
    """
    sizes, classes, left_out = {}, [], {}
    for name, values in columns.items():
        different, ranks = np.unique(values, return_inverse=True)
        if len(different) < 2:
            what = f"{different[0]}, and a factor must vary" if len(different) else "unknown"
            left_out[name] = f"all images are {what}"
            continue
        sizes[name] = len(different)
        classes.append(ranks.astype(np.int32))
    stacked = np.stack(classes, axis=1) if classes else np.empty((count, 0), np.int32)
    return Known(sizes, stacked, left_out)


def grid(sizes: Mapping[str, int]) -> Known:
    """Factors of images that show all combinations of classes, the last factor varying fastest."""
    axes = np.indices(tuple(sizes.values()), np.int16)
    return Known(sizes, axes.reshape(len(sizes), -1).T)


class Published(CachedImages):
    """A data set with known factors and 256 levels.

    expected: (class attribute) which files, and where to get them, for messages.
    shape: (channels, height, width). identity: what determines the pixels besides the shape.
    remarks, label_remarks: on images and on labels; see Notes.
    """

    levels = 255
    expected: str

    def __init__(
        self,
        shape: tuple[int, int, int],
        identity: list[object],
        known: Known,
        remarks: tuple[str, ...] = (),
        label_remarks: tuple[str, ...] = (),
    ):
        self.shape, self.count = shape, len(known.classes)
        self.factors, self.table = known.sizes, known.classes
        self.fingerprint = digest([self.name, *identity, shape, self.levels])
        table = content(self.table.astype(np.int32))
        self.labels_fingerprint = digest([[*self.factors.items()], table]) if self.factors else ""
        left_out = tuple(f"{name} is left out: {why}" for name, why in known.left_out.items())
        self.notes = Notes(remarks, label_remarks + left_out, known.left_out)

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Classes (n, factors)."""
        return self.table[checked(indices, self.count)].astype(np.int64)

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """All images as bytes (n, channels, height, width), in blocks. Raises UserError."""
        raise NotImplementedError

    def rows(self) -> Iterator[NDArray[np.uint8]]:
        """All images in blocks of rows; see Dataset.stored."""
        for images in self.read():
            flat = images.reshape(len(images), -1)
            yield np.packbits(flat >= 128, axis=1) if self.levels == 1 else flat


class PublishedPictures(Published):
    """A data set of image files.

    size: side in pixels after cropping to central squares and resizing; None leaves them unchanged.
    gray: one channel, else three. crop: side of the central square that is used.
    files: (attribute) their names, in order.
    """

    source = "files"

    def __init__(
        self,
        files: PictureFiles,
        known: Known,
        size: int | None,
        gray: bool,
        crop: int | None = None,
        label_remarks: tuple[str, ...] = (),
    ):
        positive(size=size, crop=crop)
        look = pictures.Look(window=crop)
        self.reader = EncodedImages(files, files.folder, size is not None or crop is not None, look)
        self.files = self.reader.files
        height, width = (crop, crop) if crop else self.reader.size
        smallest = min(min(height, width) for height, width, _ in self.reader.sizes)
        if crop is not None and crop > smallest:
            problem = f"expected at most {smallest}, the smallest side of an image, got {crop}"
            raise FieldError(problem, ("crop",))
        shape = (1 if gray else 3, size or height, size or width)
        identity = [content_of(self.reader), crop, *self.reader.identity]
        super().__init__(shape, identity, known, self.reader.remarks, label_remarks)

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """All images. Raises BrokenImages, a UserError that lists those that cannot be read."""
        return self.reader.read(self.shape)


def content_of(reader: EncodedImages) -> str:
    """Hash of all files. Raises UserError."""
    try:
        return reader.content()
    except OSError as error:
        raise UserError(f"{error.filename or reader.where}: {error.strerror or error}") from None


def positive(**options: int | None) -> None:
    """Raises FieldError for options below 1."""
    for key, value in options.items():
        if value is not None and value < 1:
            raise FieldError(f"expected 1 or more, got {value}", (key,))


def fitted(images: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Images (n, height, width) or (n, height, width, channels) resized to `shape`, channels first.

    Returns (n, channels, height, width).
    """
    images = images if images.ndim == 4 else images[..., None]
    if images.shape[1:] == (shape[1], shape[2], shape[0]):
        return images.transpose(0, 3, 1, 2)
    made = [pictures.prepare(pictures.from_array(image), shape) for image in images]
    return np.stack(made)


@dataclass(frozen=True)
class NamedPictures:
    """Image files whose names describe what they show.

    folder: the folder that contains them all.
    files: names relative to it, in natural order. fits: the pattern's match in each name. others:
        names of all other files in the folder.
    """

    folder: Path
    files: list[str]
    fits: list[re.Match[str]]
    others: list[str]


def named_pictures(path: str, pattern: re.Pattern[str], problem: str) -> NamedPictures:
    """The images at or below `path` whose file names match all of `pattern`.

    Raises UserError with `problem` if there are none.
    """
    folder = expand(path)
    names = names_below(folder) if folder.is_dir() else []
    found = {name: pattern.fullmatch(name.rpartition("/")[2]) for name in names}
    fits = {name: fit for name, fit in found.items() if fit}
    if not fits:
        raise UserError(f"{folder}: {problem}")
    files = in_natural_order([*fits])
    others = [name for name in names if name not in fits]
    return NamedPictures(folder, files, [fits[name] for name in files], others)


def find_files(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder that match a glob pattern, by name; none from hidden folders."""
    found = [path for path in folder.rglob(pattern) if path.is_file()]
    below = {path: path.relative_to(folder).parts for path in found}
    junk = ("__MACOSX",)
    return sorted(
        path for path in found if not any(p.startswith(".") or p in junk for p in below[path])
    )


def one_file(path: str, patterns: Sequence[str], help: str) -> Path:
    """The file at `path`, or the only one below it that matches a glob pattern.

    Raises UserError, ending in `help`, if none or several match.
    """
    place = expand(path)
    if place.is_file():
        return place
    found = [f for p in patterns for f in find_files(place, p)] if place.is_dir() else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(f"{place}: no such file found; {help}")
    raise UserError(
        f"{place}: several files match, such as {found[0].name} and {found[1].name}; specify one"
    )
