"""The data set `celeba`: 202,599 photographs of faces with 40 attributes (Liu et al. 2015)."""

import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import UNKNOWN
from trainer.data.formats import attribute_table
from trainer.data.formats.picture_folder import (
    ENDINGS,
    PictureFiles,
    in_natural_order,
    names_below,
)
from trainer.data.published.published import Known, PublishedPictures, find_files
from trainer.errors import UserError
from trainer.files import expand

_FOLDERS = ("img_align_celeba", "img_align_celeba_png")
_PARTS = {"train": 0, "valid": 1, "test": 2}
_HELP = (
    "expected the folder img_align_celeba with 000001.jpg …, and list_attr_celeba.txt next to it "
    "(list_eval_partition.txt for `split`); get them from the page of Liu et al., Large-scale "
    "CelebFaces Attributes"
)


class CelebA(PublishedPictures):
    """CelebA, aligned and cropped, with its attributes as weak labels: 0 absent, 1 present.

    path: the folder that contains `img_align_celeba` and `list_attr_celeba.txt` (or Kaggle's
        `.csv`), possibly in subfolders; without the table there are no labels.
    split: "train", "valid" or "test", by `list_eval_partition.txt`; by default all images.
    size, gray: 64 pixels and three channels, as in Higgins et al. 2017 (Table 1).
    crop: side in pixels of the central square to cut from the 178 x 218 images; by default 178, the
        largest possible (the papers state none).

        load("celeba", path="celeba", factors=["Male", "Smiling", "Eyeglasses"])

    Raises FieldError for invalid options, UserError for invalid files.
    """

    name = "celeba"
    expected = _HELP

    def __init__(
        self,
        *,
        path: str,
        split: Literal["train", "valid", "test"] | None = None,
        size: int = 64,
        gray: bool = False,
        crop: int | None = None,
    ):
        root = expand(path)
        folder = _pictures_folder(root)
        names = in_natural_order([n for n in names_below(folder) if _extension(n) in ENDINGS])
        if not names:
            raise UserError(f"{folder}: no images found; {_HELP}")
        if split is not None:
            names = _of_part(root, names, split)
        known, said = _attributes(root, names)
        super().__init__(PictureFiles(folder, names), known, size, gray, crop, said)


def _pictures_folder(root: Path) -> Path:
    """The folder of the aligned faces; the root itself if it contains them."""
    if root.is_dir():
        for here, folders, files in os.walk(root):
            if Path(here).name in _FOLDERS:
                return Path(here)
            if any(_extension(name) in ENDINGS for name in files):
                return Path(here)
            folders[:] = sorted(f for f in folders if not f.startswith("."))
        for archive in find_files(root, "img_align_celeba*.zip"):
            raise UserError(f"{archive}: unpack it in place; {_HELP}")
    raise UserError(f"{root}: no faces found; {_HELP}")


def _table(root: Path, stem: str) -> Path | None:
    """A table of CelebA: below the root, or next to it if the root is the folder of the faces."""
    for place in (root, root.parent) if root.name in _FOLDERS else (root,):
        for extension in (".txt", ".csv"):
            for found in find_files(place, stem + extension):
                return found
    return None


def _of_part(root: Path, names: list[str], split: str) -> list[str]:
    file = _table(root, "list_eval_partition")
    if file is None:
        raise UserError(f"{root}: no list_eval_partition.txt found to define splits; {_HELP}")
    found = attribute_table.read(file)
    part = dict(zip(found.files, found.values[:, 0].tolist(), strict=True))
    kept = [name for name in names if part.get(name.rpartition("/")[2]) == _PARTS[split]]
    if not kept:
        raise UserError(f"{file}: no image is in the split {split}")
    return kept


def _attributes(root: Path, names: list[str]) -> tuple[Known, tuple[str, ...]]:
    """The attributes of the images; UNKNOWN for images without a row."""
    file = _table(root, "list_attr_celeba")
    if file is None:
        why = "no labels, since list_attr_celeba.txt, which has the attributes, was not found"
        return Known({}, np.empty((len(names), 0), np.int8)), (why,)
    found = attribute_table.read(file)
    if not found.names:
        raise UserError(f"{file}: its columns have no names; fetch it again")
    places = {name.rpartition(".")[0]: row for row, name in enumerate(found.files)}
    stems = [name.rpartition("/")[2].rpartition(".")[0] for name in names]
    rows = np.array([places.get(stem, UNKNOWN) for stem in stems])
    classes = np.where(found.values[rows] > 0, 1, 0).astype(np.int8)
    classes[rows == UNKNOWN] = UNKNOWN
    absent = int((rows == UNKNOWN).sum())
    said = (f"{absent:,} images have no row in {file.name}",) if absent else ()
    return _varying(found.names, classes), said


def _varying(names: tuple[str, ...], classes: NDArray[np.int8]) -> Known:
    held = [set(np.unique(column).tolist()) - {UNKNOWN} for column in classes.T]
    kept = [number for number, values in enumerate(held) if len(values) == 2]
    alike = {
        names[number]: "it is the same for all images, and a factor must vary"
        for number, values in enumerate(held)
        if len(values) < 2
    }
    return Known({names[number]: 2 for number in kept}, classes[:, kept], alike)


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()
