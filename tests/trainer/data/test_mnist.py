"""The data set `mnist`, from small files in its format."""

import gzip
import struct

import numpy as np
import pytest

from trainer.data import load
from trainer.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 28, 28)).astype(np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)


def idx(array):
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write(folder, stem, images=IMAGES, labels=LABELS, zipped=True):
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        content, name = idx(array), f"{stem}-{kind}-ubyte"
        if zipped:  # without the time, which is part of a compressed file
            content, name = gzip.compress(content, mtime=0), f"{name}.gz"
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("zipped", [True, False])
def test_images_and_digits(tmp_path, zipped):
    write(tmp_path, "t10k", zipped=zipped)
    data = load("mnist", path=str(tmp_path))
    assert (len(data), data.shape, data.levels) == (7, (1, 28, 28), 255)
    assert dict(data.factors) == {"digit": 10}
    assert np.array_equal(data.images(np.arange(7))[:, 0], IMAGES)
    assert data.classes([0, 5]).tolist() == [[3], [9]]


def test_names_with_a_dot(tmp_path):
    write(tmp_path, "t10k")
    for file in [*tmp_path.glob("t10k-*")]:
        file.rename(tmp_path / file.name.replace("-idx", ".idx"))
    assert np.array_equal(load("mnist", path=str(tmp_path)).images([1])[0, 0], IMAGES[1])


def test_train_comes_first_and_split_chooses(tmp_path):
    write(tmp_path, "t10k")
    write(tmp_path, "train", IMAGES[:3], LABELS[:3])
    lengths = [
        len(load("mnist", path=str(tmp_path), **split))
        for split in ({}, {"split": "train"}, {"split": "test"})
    ]
    assert lengths == [3, 3, 7]
    with pytest.raises(UserError, match="split: expected 'train' or 'test'"):
        load("mnist", path=str(tmp_path), split="tset")


def test_size_and_binary(tmp_path):
    write(tmp_path, "train")
    assert load("mnist", path=str(tmp_path), size=32).images([0]).shape == (1, 1, 32, 32)
    binary = load("mnist", path=str(tmp_path), binary=True)
    assert binary.levels == 1 and binary.stored().shape == (7, 98)
    assert np.array_equal(binary.images([2])[0, 0], IMAGES[2] >= 128)


def test_fingerprints_follow_pixels_and_labels_apart(tmp_path):
    write(tmp_path, "train")
    first = load("mnist", path=str(tmp_path))
    write(tmp_path, "train", labels=LABELS[::-1].copy())
    second = load("mnist", path=str(tmp_path))
    assert first.fingerprint == second.fingerprint
    assert first.labels_fingerprint != second.labels_fingerprint


def test_files_that_are_missing_or_damaged(tmp_path):
    with pytest.raises(UserError, match=r"no t10k-images-idx3-ubyte or .*\.gz found"):
        load("mnist", path=str(tmp_path))
    write(tmp_path, "train", labels=LABELS[:-1])
    with pytest.raises(UserError, match="6 labels for 7 images"):
        load("mnist", path=str(tmp_path))
    write(tmp_path, "train")
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz: cannot be read"):
        load("mnist", path=str(tmp_path)).stored()
    file.write_bytes(gzip.compress(b"no idx at all here"))
    with pytest.raises(UserError, match="it starts with"):
        load("mnist", path=str(tmp_path))
    file.write_bytes(gzip.compress(idx(IMAGES)[:-5]))
    with pytest.raises(UserError, match="it has 5483 bytes, not 5488"):
        load("mnist", path=str(tmp_path)).stored()
