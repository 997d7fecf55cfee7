"""A folder of image files, and the labels in the names of its subfolders."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats.pictures import Opener
from trainer.errors import UserError

_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
_PLAIN = (".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga")
_OTHERS = (".png", ".apng", ".gif", ".webp", ".avif", ".jp2", ".j2k")
ENDINGS = frozenset({*_JPEG, *_PLAIN, *_OTHERS})
_OTHER_PICTURES = frozenset({".heic", ".heif", ".svg", ".psd", ".raw", ".dng", ".nef", ".cr2"})
_TABLES = frozenset({".csv", ".tsv", ".jsonl"})
_JUNK = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "__pycache__", "lost+found"})
_SPLITS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})


class PictureFiles:
    """Image files below a folder, in the order of `files`, their names relative to it.

    count: their number. columns: labels in their names, one string per file.
    remarks: what was left out; label_remarks: what concerns only labels.
    """

    kind = "files"

    def __init__(
        self,
        folder: Path,
        files: Sequence[str],
        columns: Mapping[str, NDArray] | None = None,
        remarks: tuple[str, ...] = (),
        label_remarks: tuple[str, ...] = (),
    ):
        self.folder, self.files, self.count = folder, tuple(files), len(files)
        self.columns = dict(columns or {})
        self.remarks, self.label_remarks = remarks, label_remarks

    def blocks(self, size: int) -> Iterator[list[Opener]]:
        """The images in order, `size` at a time, each opened on demand."""
        paths = self.paths()
        for start in range(0, len(paths), size):
            yield [partial(_opened, path) for path in paths[start : start + size]]

    def place(self, number: int) -> str:
        """Where an image is, for messages."""
        return str(self.folder / self.files[number])

    def paths(self) -> list[Path]:
        """All files that the images come from, in order."""
        return [self.folder / name for name in self.files]


class PictureFolder(PictureFiles):
    """All image files below a folder, in natural order: `img_2` comes before `img_10`.

    Hidden files and folders, and those that operating systems leave behind, are ignored. Each level
    of subfolders is a column. Raises UserError for a folder without images.
    """

    def __init__(self, folder: Path):
        names = names_below(folder)
        files = tuple(in_natural_order([n for n in names if _extension(n) in ENDINGS]))
        if not files:
            raise UserError(f"{folder}: contains no image files (PNG, JPEG, …){_contents(names)}")
        columns, remarks = class_folders(files)
        super().__init__(folder, files, columns, _left_out(names), remarks + _tables(names))


def _opened(path: Path) -> IO[bytes]:
    return open(path, "rb")


def in_natural_order(names: list[str]) -> list[str]:
    """Names sorted alphabetically, with numbers in them by value: a1, a2, a10."""
    width = max((len(number) for name in names for number in re.findall("[0-9]+", name)), default=0)
    return sorted(names, key=lambda n: (re.sub("[0-9]+", lambda m: m[0].zfill(width), n), n))


def class_folders(names: tuple[str, ...]) -> tuple[dict[str, NDArray], tuple[str, ...]]:
    """Labels from the folders that contain the files: a column for each level that varies.

    Only if no file is outside them. A level named like `shape=square` is the factor `shape`;
    otherwise a single level is called `class`, several `folder_1`, `folder_2` …
    """
    folders = [name.split("/")[:-1] for name in names]
    depth = min(map(len, folders))
    columns: dict[str, NDArray] = {}
    remarks = []
    outside = [name for name, parts in zip(names, folders, strict=True) if not parts]
    if outside and 4 * len(outside) < len(names):
        remarks.append(
            f"{outside[0]} is not in a subfolder, so subfolder names are not used as labels; move "
            "it to use them as a factor"
        )
    levels = [[parts[level] for parts in folders] for level in range(depth)]
    levels = [values for values in levels if len(set(values)) > 1]
    if levels and {value.lower() for value in levels[0]} <= _SPLITS:
        held = ", ".join(sorted(set(levels[0])))
        remarks.append(f"the folders {held} are splits of one data set, not classes: all are read")
        del levels[0]
    for number, values in enumerate(levels, 1):
        keys = {value.partition("=")[0] for value in values if "=" in value}
        if len(keys) == 1 and all("=" in value for value in values):
            columns[keys.pop()] = np.array([value.partition("=")[2] for value in values])
        else:
            columns["class" if len(levels) == 1 else f"folder_{number}"] = np.array(values)
    return columns, tuple(remarks)


def names_below(folder: Path) -> list[str]:
    """Names of all files below a folder, links followed once, without hidden ones and junk."""
    names, seen = [], set()
    for here, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [f for f in folders if not f.startswith(".") and f not in _JUNK]
        below = Path(here).relative_to(folder)
        names += [(below / name).as_posix() for name in files if not name.startswith(".")]
    return names


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _contents(names: list[str]) -> str:
    counts = Counter(_extension(name) or "without extension" for name in names)
    if not counts:
        return ""
    return "; its files: " + ", ".join(f"{count} {end}" for end, count in counts.most_common(4))


def _left_out(names: list[str]) -> tuple[str, ...]:
    """Remarks on images that are not read."""
    remarks = []
    others: Mapping[str, int] = Counter(
        _extension(n) for n in names if _extension(n) in _OTHER_PICTURES
    )
    for extension, count in sorted(others.items()):
        files = "file is" if count == 1 else "files are"
        remarks.append(f"{count} {extension} {files} left out: convert to PNG or JPEG")
    return tuple(remarks)


def _tables(names: list[str]) -> tuple[str, ...]:
    found = [name for name in names if _extension(name) in _TABLES]
    return tuple(
        f"{name} in the folder is ignored; if it contains labels, set `labels:` to its path"
        for name in found[:1]
    )
