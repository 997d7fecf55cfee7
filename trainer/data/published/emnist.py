"""The data set `emnist`: handwritten letters and digits, upright (Cohen et al. 2017)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.config.schema import FieldError
from trainer.data.formats import idx
from trainer.data.published.published import Published, by_value, find_files, fitted, positive
from trainer.errors import UserError
from trainer.files import expand

Part = Literal["letters", "byclass", "bymerge", "balanced", "digits", "mnist"]
_DIGITS = "0123456789"
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MERGED = _DIGITS + _CAPITALS + "abdefghnqrt"  # lower-case letters unlike their capitals
# the characters of the files' classes, in order; the letters' classes count from 1
_CHARACTERS = {
    "letters": _CAPITALS,
    "byclass": _DIGITS + _CAPITALS + _CAPITALS.lower(),
    "bymerge": _MERGED,
    "balanced": _MERGED,
    "digits": _DIGITS,
    "mnist": _DIGITS,
}
_BLOCK = 4096
_HELP = (
    "expected files such as emnist-letters-train-images-idx3-ubyte.gz and "
    "emnist-letters-train-labels-idx1-ubyte.gz; get gzip.zip from NIST's page of the EMNIST dataset"
)


class Emnist(Published):
    """Single-channel characters, turned upright, with the factor `character`.

    path: the folder with the IDX files (`gzip`), gzipped or not, or a parent folder.
    part: which published part: "letters" (upper and lower case are one class), "byclass",
        "bymerge", "balanced", "digits" or "mnist"; by default letters, or whichever exists.
    split: "train" or "test".
    characters: those to keep, such as ABCD; by default all.
    size: side in pixels after resizing; by default 28, as published.
    binary: true for black and white, split at half grey.

        load("emnist", path="gzip", characters="ABCD")  # the letters of Levy et al. 2020

    Raises FieldError for invalid options, UserError for invalid files.
    """

    name = "emnist"
    expected = _HELP
    source = "idx"

    def __init__(
        self,
        *,
        path: str,
        part: Part | None = None,
        split: Literal["train", "test"] = "train",
        characters: str | None = None,
        size: int | None = None,
        binary: bool = False,
    ):
        positive(size=size)
        folder = expand(path)
        self.part = part or _part(folder, split)
        self.file = _file(folder, f"emnist-{self.part}-{split}-images-idx3-ubyte")
        labels_file = _file(folder, f"emnist-{self.part}-{split}-labels-idx1-ubyte")
        count, height, width = idx.read_shape(self.file, 3)
        labels = _labels(labels_file, self.part)
        if len(labels) != count:
            problem = f"{len(labels):,} labels for {count:,} images in {self.file.name}"
            raise UserError(f"{labels_file}: {problem}")
        self.kept = np.flatnonzero(np.isin(labels, _chosen(characters, self.part)))
        if not self.kept.size:
            raise FieldError(f"no image shows any of {characters!r}", ("characters",))
        self.levels = 1 if binary else 255
        shape = (1, size or width, size or height)  # stored on their sides
        chosen = cache.content_hash([labels_file]) if characters else ""
        identity: list[object] = [cache.content_hash([self.file]), chosen, characters]
        known = by_value({"character": labels[self.kept]}, len(self.kept))
        super().__init__(shape, identity, known)
        present = np.unique(labels[self.kept])
        self.class_names = {"character": [_CHARACTERS[self.part][i] for i in present]}

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """The chosen characters. Raises UserError."""
        images = idx.read(self.file, 3).transpose(0, 2, 1)
        for start in range(0, len(self.kept), _BLOCK):
            yield fitted(images[self.kept[start : start + _BLOCK]], self.shape)


def _part(folder: Path, split: str) -> str:
    """The first part whose images exist. Raises UserError."""
    for part in _CHARACTERS:
        if find_files(folder, f"emnist-{part}-{split}-images*"):
            return part
    raise UserError(f"{folder}: no EMNIST images found; {_HELP}")


def _file(folder: Path, name: str) -> Path:
    for suffix in ("", ".gz"):
        for file in find_files(folder, name + suffix):
            return file
    raise UserError(f"{folder}: no {name}.gz found; {_HELP}")


def _labels(file: Path, part: str) -> NDArray[np.int64]:
    """Indices of the characters among those of the part. Raises UserError."""
    labels = idx.read(file, 1).astype(np.int64) - (part == "letters")
    count = len(_CHARACTERS[part])
    if labels.size and not 0 <= labels.min() <= labels.max() < count:
        raise UserError(f"{file}: its classes are not the {count} of {part}; {_HELP}")
    return labels


def _chosen(characters: str | None, part: str) -> list[int]:
    """Indices of the requested characters. Raises FieldError for one that is not in the part."""
    known = _CHARACTERS[part]
    places = []
    for one in known if characters is None else characters:
        found = known.find(one) if one in known else known.find(one.upper())
        if found < 0:
            problem = f"{one!r} is not a character of {part}, which has {known}"
            raise FieldError(problem, ("characters",))
        places.append(found)
    return places
