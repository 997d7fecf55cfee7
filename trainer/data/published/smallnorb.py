"""The data set `smallnorb`: 50 toys from many views under six lights (LeCun et al. 2004)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer import cache
from trainer.data.formats import norb
from trainer.data.published.published import Published, by_value, find_files, fitted, positive
from trainer.errors import UserError
from trainer.files import expand

Split = Literal["train", "test"]
_NAMES = {"train": "training", "test": "testing"}
_INFO = ("instance", "elevation", "azimuth", "lighting")  # the columns of the info files
_BLOCK = 256
_HELP = (
    "expected smallnorb-5x46789x9x18x6x2x96x96-training-dat.mat, -cat.mat and -info.mat, and those "
    "of smallnorb-5x01235x9x18x6x2x96x96-testing, gzipped or not; get them from the page of "
    "LeCun, Huang & Bottou, The small NORB dataset"
)


class SmallNorb(Published):
    """small NORB, with the factors `category`, `elevation`, `azimuth` and `lighting`.

    The number of a toy, `instance`, restarts in each category, so it is not a factor.

    path: the folder with the files.
    split: "train" or "test"; by default both, train first, as in disentanglement_lib.
    size: side in pixels; 64 as in that library, 96 in the files.
    camera: 0 or 1, the left or the right one of the stereo pair.

        load("smallnorb", path="small_norb")

    Raises FieldError for invalid options, UserError for invalid files.
    """

    name = "smallnorb"
    expected = _HELP
    source = "norb"

    def __init__(
        self,
        *,
        path: str,
        split: Split | None = None,
        size: int = 64,
        camera: Literal[0, 1] = 0,
    ):
        positive(size=size)
        folder, self.camera = expand(path), camera
        splits = [split] if split else ["train", "test"]
        self.pairs = [_file(folder, part, "dat") for part in splits]
        tables = [_table(folder, part, file) for part, file in zip(splits, self.pairs, strict=True)]
        category, _, *others = np.concatenate(tables).T
        columns = dict(zip(("category", *_INFO[1:]), (category, *others), strict=True))
        known = by_value(columns, len(category))
        why = "it numbers the toys of each category anew"
        known = replace(known, left_out={**known.left_out, "instance": why})
        identity: list[object] = [cache.content_hash(self.pairs), camera]
        super().__init__((1, size, size), identity, known)

    def read(self) -> Iterator[NDArray[np.uint8]]:
        """The camera's images. Raises UserError."""
        for file in self.pairs:
            for pairs in norb.blocks(file, _BLOCK):
                yield fitted(pairs[:, self.camera], self.shape)


def _table(folder: Path, split: str, images: Path) -> NDArray[np.int64]:
    """Category and the info file's columns, (n, 5), for the images of a split. Raises UserError."""
    held = norb.read_shape(images)
    if len(held) != 4 or held[1] != 2:
        raise UserError(f"{images}: it is {held}, not (n, 2, height, width); {_HELP}")
    parts = []
    for kind, shape in (("cat", (held[0],)), ("info", (held[0], len(_INFO)))):
        file = _file(folder, split, kind)
        found = norb.read(file)
        if found.shape != shape:
            raise UserError(f"{file}: it is {found.shape}, but {images.name} is {held}; {_HELP}")
        parts.append(found.reshape(len(found), -1).astype(np.int64))
    return np.concatenate(parts, axis=1)


def _file(folder: Path, split: str, kind: str) -> Path:
    for ending in ("", ".gz"):
        pattern = f"smallnorb-*-{_NAMES[split]}-{kind}.mat{ending}"
        for found in find_files(folder, pattern) if folder.is_dir() else ():
            return found
    raise UserError(f"{folder}: no smallnorb-…-{_NAMES[split]}-{kind}.mat found; {_HELP}")
