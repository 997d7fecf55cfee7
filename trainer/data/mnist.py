"""The data set `mnist`: handwritten digits, or other images in IDX files with these names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainer import cache
from trainer.config.run import digest
from trainer.config.schema import FieldError
from trainer.data.cached import CachedImages, checked
from trainer.data.formats import idx, pictures
from trainer.errors import UserError
from trainer.files import expand

_STEM = {"train": "train", "test": "t10k"}  # of the file names


class Mnist(CachedImages):
    """Single-channel digits, labelled with the factor `digit`.

    path: the folder with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` or `t10k-…`, gzipped
        or not.
    split: "train" or "test"; by default train if the folder has it, else test.
    size: side in pixels after resizing; by default 28, as published.
    binary: true for black and white, split at half grey.

    Raises FieldError for invalid options, UserError for invalid files.
    """

    name = "mnist"
    source = "idx"

    def __init__(
        self,
        *,
        path: str,
        split: Literal["train", "test"] | None = None,
        size: int | None = None,
        binary: bool = False,
    ):
        if size is not None and size < 1:
            raise FieldError(f"expected 1 or more, got {size}", ("size",))
        self.file, labels_file = _files(expand(path), split)
        self.count, height, width = idx.read_shape(self.file, 3)
        self.labels = idx.read(labels_file, 1).astype(np.int64)
        if len(self.labels) != self.count:
            problem = f"{len(self.labels)} labels for {self.count} images in {self.file.name}"
            raise UserError(f"{labels_file}: {problem}")
        self.levels = 1 if binary else 255
        self.shape = (1, size or height, size or width)
        self.factors = {"digit": max(10, int(self.labels.max(initial=0)) + 1)}
        content = cache.content_hash([self.file])
        self.fingerprint = digest(["mnist", content, self.shape, self.levels])
        self.labels_fingerprint = digest(["mnist", cache.content_hash([labels_file])])

    def classes(self, indices: ArrayLike) -> NDArray[np.int64]:
        """Digits (n, 1)."""
        return self.labels[checked(indices, self.count)][:, None]

    def rows(self) -> Iterator[NDArray[np.uint8]]:
        """All images as rows; see Dataset.stored."""
        for image in idx.read(self.file, 3):
            pixels = pictures.prepare(pictures.from_array(image), self.shape)
            yield pictures.row(pixels, self.levels)[None]


def _files(folder: Path, split: str | None) -> tuple[Path, Path]:
    """The image and the label file of the split."""
    if split is None:
        split = "train" if _found(folder, f"{_STEM['train']}-images-idx3-ubyte") else "test"
    images, labels = "images-idx3-ubyte", "labels-idx1-ubyte"
    return _file(folder, f"{_STEM[split]}-{images}"), _file(folder, f"{_STEM[split]}-{labels}")


def _file(folder: Path, name: str) -> Path:
    found = _found(folder, name)
    if found is None:
        raise UserError(
            f"{folder}: no {name} or {name}.gz found; get the files from LeCun et al., The MNIST "
            "database of handwritten digits"
        )
    return found


def _found(folder: Path, name: str) -> Path | None:
    """A file in the folder, gzipped or not, possibly with the dotted name that some copies have."""
    dotted = name.replace("-idx", ".idx")
    candidates = (folder / f"{stem}{ending}" for stem in (name, dotted) for ending in ("", ".gz"))
    return next((file for file in candidates if file.is_file()), None)
