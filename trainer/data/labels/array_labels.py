"""Labels stored next to the images in a file of arrays."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.config.schema import FieldError, suggestion
from trainer.data.formats.named_arrays import Arrays, Kind
from trainer.errors import UserError

# usual names of an array of labels, in order of preference
_NAMES = (
    *("latents_classes", "labels", "label", "classes", "class", "targets", "target", "y", "Y"),
    *("gnd", "factors", "attributes", "attrs", "latents", "latents_values", "y_train", "Y_train"),
    *("train_y", "train_labels", "labels_train"),
)
_COLUMN_NAMES = ("factor_names", "label_names", "labels_names", "latents_names", "names", "columns")
_DSPRITES = ("color", "shape", "scale", "orientation", "posX", "posY")
_SPLIT = re.compile(r"(?:^|[^a-z])(train|test|val|dev)[a-z]*(?:$|[^a-z])")
_MAX_COLUMNS = 64  # in an array of labels: with more, it is probably something else


def columns(
    arrays: Arrays,
    images: str,
    count: int,
    key: str | None = None,
    names: Sequence[str] | None = None,
) -> tuple[dict[str, NDArray], tuple[str, ...]]:
    """The label columns by name, each (count,), and remarks on what is ignored.

    images: the array of images. key: the array of labels; by default one with a usual name, and all
    others with one value per image. names: for the columns of an array without names.
    Raises FieldError for a missing key, UserError for the wrong number of labels.
    """
    others = {name: kind for name, kind in arrays.held.items() if name != images}
    if key is not None:
        if key not in others:
            problem = f"{arrays.path} has no array {key!r}{suggestion(key, others)}"
            raise FieldError(problem, ("labels_key",))
        return _split(arrays, key, count, names), ()
    theirs = [name for name in others if _describes_others(name, images, arrays)]
    others = {name: kind for name, kind in others.items() if name not in theirs}
    by_last = {name.split("/")[-1]: name for name in others}
    called = [by_last[name] for name in _NAMES if name in by_last]
    found: dict[str, NDArray] = {}
    if called:
        found.update(_split(arrays, called[0], count, names))
    passed = [*called[1:], *(name for name in theirs if len(arrays.held[name].shape) < 3)]
    for name, kind in others.items():
        says_names = name.split("/")[-1] in _COLUMN_NAMES and not _is_column(kind, count)
        if name in called or says_names:
            continue
        if _is_column(kind, count) and name.split("/")[-1] not in found:
            found[name.split("/")[-1]] = arrays.read(name).reshape(-1)
        elif len(kind.shape) < 3:
            passed.append(name)
    remarks = []
    if passed:
        hint = "" if found else f" (set `labels_key: {passed[0]}` if it contains the labels)"
        remarks.append(f"the arrays {', '.join(passed[:5])} are ignored{hint}")
    objects = [name for name in arrays.objects if name != "metadata"]
    if objects:
        held = ", ".join(objects[:5])
        remarks.append(
            f"{held}: objects and structures are never loaded; save labels as numbers or strings"
        )
    return found, tuple(remarks)


def _describes_others(name: str, images: str, arrays: Arrays) -> bool:
    """Whether an array is stored with other images, or is named after another split than these."""
    groups = {n.rpartition("/")[0] for n, kind in arrays.held.items() if len(kind.shape) >= 3}
    group = name.rpartition("/")[0]
    if group in groups - {images.rpartition("/")[0]}:
        return True
    split, own = _SPLIT.search(name.lower()), _SPLIT.search(images.lower())
    return split is not None and own is not None and split[1] != own[1]


def likely_count(arrays: Arrays, images: str) -> int | None:
    """The number of images that the other arrays suggest; None if there are none."""
    lengths = [
        max(kind.shape)
        for name, kind in arrays.held.items()
        if name != images and kind.shape and len(kind.shape) <= 2
    ]
    return Counter(lengths).most_common(1)[0][0] if lengths else None


def of_rows(arrays: Arrays, count: int, names: Sequence[str] | None) -> dict[str, NDArray] | None:
    """The columns of a file with only one array of labels, for all images; None for other files."""
    if len(arrays.held) != 1 or "index" in arrays.held:
        return None
    (name,) = arrays.held
    return _split(arrays, name, count, names)


def _is_column(kind: Kind, count: int) -> bool:
    return sorted(kind.shape) in ([count], sorted([1, count]))


def _split(arrays: Arrays, key: str, count: int, names: Sequence[str] | None) -> dict[str, NDArray]:
    """The columns of an array (count,) or (count, factors)."""
    array, last = arrays.read(key), key.split("/")[-1]
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.ndim == 2 and 1 in array.shape and count in array.shape:
        array = array.reshape(-1)
    if array.ndim not in (1, 2) or array.dtype.kind not in "buifU":
        raise UserError(
            f"{arrays.path}: {key} is {array.dtype} {array.shape}, not one row of labels per image"
        )
    if array.ndim == 2 and len(array) != count and array.shape[1] == count:
        array = array.T  # as MATLAB stores it
    if len(array) != count:
        raise UserError(
            f"{arrays.path}: {key} has labels for {len(array):,} images, but there are {count:,}"
        )
    if array.ndim == 1:
        return {(names[0] if names and len(names) == 1 else last): array}
    width = array.shape[1]
    if names is None and _is_one_hot(array):
        return {last: array.argmax(axis=1)}
    if width > _MAX_COLUMNS:
        raise UserError(
            f"{arrays.path}: {key} has {width} columns, more than {_MAX_COLUMNS}; specify "
            "another array of labels with labels_key"
        )
    return dict(zip(_names(arrays, last, width, names), array.T, strict=True))


def _is_one_hot(array: NDArray) -> bool:
    """Whether each row of numbers is 1 for one class and 0 for the others."""
    if array.dtype.kind == "U" or array.shape[1] < 3:
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def _names(
    arrays: Arrays, key: str, width: int, names: Sequence[str] | None
) -> tuple[str, ...] | list[str]:
    if names is not None and len(names) == width:
        return tuple(names)
    for name, kind in arrays.held.items():
        has_names = name.split("/")[-1] in _COLUMN_NAMES and kind.dtype.kind == "U"
        if has_names and kind.shape in ((), (width,)):
            found = [str(text) for text in np.atleast_1d(arrays.read(name))]
            if len(found) == len(set(found)) == width:
                return found
    if key.startswith("latents_") and width == len(_DSPRITES):
        return _DSPRITES
    return [f"factor_{number}" for number in range(width)]
