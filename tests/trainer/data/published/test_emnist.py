"""The data set `emnist`, from small files in its format."""

import gzip
import struct

import numpy as np
import pytest

from trainer.config.schema import FieldError
from trainer.data import class_names_of, load
from trainer.errors import UserError

UPRIGHT = np.random.default_rng(0).integers(0, 256, (6, 28, 28)).astype(np.uint8)


def idx(array):
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write(folder, labels, part="letters", split="train", zipped=True):
    """The images lie on their sides, as in the files that are published."""
    folder.mkdir(exist_ok=True)
    ending, pack = (".gz", gzip.compress) if zipped else ("", bytes)
    stem, sideways = f"emnist-{part}-{split}", UPRIGHT.transpose(0, 2, 1)
    (folder / f"{stem}-images-idx3-ubyte{ending}").write_bytes(pack(idx(sideways.copy())))
    labels = np.array(labels, np.uint8)
    (folder / f"{stem}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(labels)))


@pytest.mark.parametrize("zipped", [True, False])
def test_letters_are_upright(tmp_path, zipped):
    write(tmp_path / "gzip", [1, 2, 3, 26, 1, 2], zipped=zipped)
    data = load("emnist", path=str(tmp_path))
    assert (len(data), data.shape, dict(data.factors)) == (6, (1, 28, 28), {"character": 4})
    assert np.array_equal(data.images(np.arange(6))[:, 0], UPRIGHT)
    assert data.classes(np.arange(6))[:, 0].tolist() == [0, 1, 2, 3, 0, 1]


def test_chosen_letters_in_either_case(tmp_path):
    write(tmp_path, [1, 2, 3, 26, 1, 2])
    data = load("emnist", path=str(tmp_path), characters="aZ", size=32)
    assert data.classes(np.arange(3))[:, 0].tolist() == [0, 1, 0]
    assert class_names_of(data, "character") == ["A", "Z"]
    kept = load("emnist", path=str(tmp_path), characters="AZ").images([0, 1, 2])[:, 0]
    assert np.array_equal(kept, UPRIGHT[[0, 3, 4]])
    assert data.images([0]).shape == (1, 1, 32, 32)


def test_small_letters_are_classes_of_their_own_where_the_part_has_them(tmp_path):
    write(tmp_path, [10, 36, 10, 0, 61, 36], part="byclass", split="test")
    data = load("emnist", path=str(tmp_path), split="test", characters="Aaz", binary=True)
    assert data.classes(np.arange(5))[:, 0].tolist() == [0, 1, 0, 2, 1]
    assert data.levels == 1
    assert np.array_equal(data.images([1])[0, 0], UPRIGHT[1] >= 128)


def test_the_chosen_characters_determine_the_pixels(tmp_path):
    write(tmp_path, [1, 2, 3, 26, 1, 2])
    first = load("emnist", path=str(tmp_path), characters="A").fingerprint
    assert load("emnist", path=str(tmp_path), characters="B").fingerprint != first
    write(tmp_path, [2, 1, 1, 26, 1, 2])
    assert load("emnist", path=str(tmp_path), characters="A").fingerprint != first


def test_what_does_not_fit(tmp_path):
    with pytest.raises(UserError, match=r"get gzip\.zip from NIST's page of the EMNIST dataset"):
        load("emnist", path=str(tmp_path))
    write(tmp_path, [1, 2, 3, 4, 1])
    with pytest.raises(UserError, match="5 labels for 6 images"):
        load("emnist", path=str(tmp_path))
    write(tmp_path, [1, 2, 3, 27, 1, 2])
    with pytest.raises(UserError, match="its classes are not the 26 of letters"):
        load("emnist", path=str(tmp_path))
    write(tmp_path, [1, 2, 3, 4, 1, 2])
    with pytest.raises(FieldError, match="characters: '7' is not a character of letters"):
        load("emnist", path=str(tmp_path), characters="A7")
    with pytest.raises(FieldError, match="characters: no image shows any of 'Z'"):
        load("emnist", path=str(tmp_path), characters="Z")
    with pytest.raises(UserError, match="no EMNIST images found"):
        load("emnist", path=str(tmp_path), split="test")
