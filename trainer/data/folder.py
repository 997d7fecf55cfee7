"""The data set `folder`: the user's own images, as PNG and JPEG files or as one NumPy array."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, UnidentifiedImageError

from trainer.config.run import digest
from trainer.config.schema import FieldError
from trainer.data import cache
from trainer.data.cached import CachedImages, checked
from trainer.data.formats import array_file, pictures
from trainer.errors import UserError

_ENDINGS = {".png", ".jpg", ".jpeg"}
_BLOCK = 256


class Folder(CachedImages):
    """Images without labels; the option `labels` of `load` adds a table of what is known.

    path: a folder, searched with all its subfolders, of PNG and JPEG files, taken in the order of
        their names; or one .npy or .npz file of bytes (n, height, width) or (n, height, width,
        channels).
    size: side in pixels to cut and resize all images to; without it all must be as large as the
        first.
    gray: true for one channel, false for three; without it as the first image is.
    binary: true for black and white, split at half grey (an array of 0 and 1 is taken as it is).
    files: names below `path` of the image files, in order; empty for an array.

    Raises FieldError for options that do not fit, UserError for files that cannot be used.
    """

    name = "folder"
    factors: Mapping[str, int] = {}
    labels_fingerprint = ""

    def __init__(
        self, *, path: str, size: int | None = None, gray: bool | None = None, binary: bool = False
    ):
        if size is not None and size < 1:
            raise FieldError(f"expected 1 or more, got {size}", ("size",))
        self.path = Path(path).expanduser()
        self.files: tuple[str, ...] = ()
        self.resize = size is not None
        if self.path.is_dir():
            self.source = "files"
            self.files = _image_files(self.path)
            self.count = len(self.files)
            first = _open(self.path / self.files[0])
            height, width, is_gray = first.height, first.width, first.mode in pictures.GRAY
        else:
            self.source = "array"
            (self.count, height, width, *channels), dtype = array_file.describe(self.path)
            is_gray = channels != [3]
            binary = binary or dtype == np.bool_
        self.shape = (
            1 if (is_gray if gray is None else gray) else 3,
            size or height,
            size or width,
        )
        self.levels = 1 if binary else 255
        self.fingerprint = digest(["folder", self._content(), self.shape, self.resize, self.levels])

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """No factor is known: (n, 0)."""
        return np.empty((len(checked(indices, self.count)), 0), np.int64)

    def rows(self) -> Iterator[NDArray[np.uint8]]:
        """All images in blocks of rows, as Dataset.stored. Raises UserError naming a bad file."""
        if not self.files:
            yield from self._rows_of_array()
            return
        with ThreadPoolExecutor() as threads:
            for start in range(0, self.count, _BLOCK):
                block = self.files[start : start + _BLOCK]
                yield np.stack(list(threads.map(self._row_of_file, block)))

    def _row_of_file(self, name: str) -> NDArray[np.uint8]:
        path = self.path / name
        picture = _open(path)
        if not self.resize and (picture.height, picture.width) != self.shape[1:]:
            raise UserError(
                f"{path}: {picture.width} x {picture.height} pixels, but {self.files[0]} has "
                f"{self.shape[2]} x {self.shape[1]}; give `size` to resize all images"
            )
        try:
            return pictures.row(pictures.prepare(picture, self.shape), self.levels)
        except (OSError, ValueError, SyntaxError) as error:
            raise UserError(f"{path}: the image is damaged ({error})") from None

    def _rows_of_array(self) -> Iterator[NDArray[np.uint8]]:
        images = array_file.read(self.path)
        if images.max() > 1:
            scale = 1
        elif self.levels == 1:
            scale = 255
        else:
            raise UserError(f"{self.path}: holds only 0 and 1; give binary: true")
        for image in images:
            picture = pictures.from_array(image * np.uint8(scale))
            yield pictures.row(pictures.prepare(picture, self.shape), self.levels)[None]

    def _content(self) -> str:
        try:
            return cache.content_hash([self.path / name for name in self.files] or [self.path])
        except OSError as error:
            raise UserError(f"{error.filename or self.path}: {error.strerror or error}") from None


def _image_files(folder: Path) -> tuple[str, ...]:
    """Names below `folder` of all images, sorted; hidden files are left out."""
    names = tuple(
        sorted(
            file.relative_to(folder).as_posix()
            for file in folder.rglob("*")
            if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
        )
    )
    if not names:
        raise UserError(f"{folder}: no PNG or JPEG file in it")
    return names


def _open(path: Path) -> Image.Image:
    try:
        picture = Image.open(path)
    except UnidentifiedImageError:
        raise UserError(f"{path}: is not a PNG or JPEG image") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    if picture.mode not in pictures.MODES:
        raise UserError(
            f"{path}: {picture.mode} pixels are not known; save it with 8 bits a channel"
        )
    return picture
