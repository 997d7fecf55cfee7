"""The data set `smallnorb`, from small files in its format."""

import gzip
import struct

import numpy as np
import pytest

from trainer.data import load, notes_of
from trainer.data.formats import norb
from trainer.errors import UserError

MAGIC = {np.dtype("u1"): 0x1E3D4C55, np.dtype("<i4"): 0x1E3D4C54}
STEMS = {
    "training": "smallnorb-5x46789x9x18x6x2x96x96-training",
    "testing": "smallnorb-5x01235x9x18x6x2x96x96-testing",
}
# category, instance, elevation, azimuth (in steps of two), lighting
ROWS = {
    "training": [[0, 4, 0, 0, 0], [1, 6, 1, 34, 5], [0, 4, 2, 2, 1]],
    "testing": [[1, 0, 0, 2, 5], [4, 3, 1, 0, 0]],
}


def binary(array):
    """As written by the authors: the type, the number of axes, and three sizes at least."""
    sizes = [*array.shape, *[1] * (3 - array.ndim)]
    return struct.pack(f"<{2 + len(sizes)}I", MAGIC[array.dtype], array.ndim, *sizes) + bytes(array)


def images(count, first):
    """Pairs of even images: the right one is brighter by one."""
    shades = (first + 10 * np.arange(count, dtype=np.uint8))[:, None] + np.array([0, 1], np.uint8)
    return np.broadcast_to(shades[..., None, None], (count, 2, 96, 96)).copy()


def write(root, zipped=True):
    ending, pack = (".gz", gzip.compress) if zipped else ("", bytes)
    for first, (split, stem) in enumerate(STEMS.items()):
        rows = np.array(ROWS[split], "<i4")
        parts = {"dat": images(len(rows), 100 * first), "cat": rows[:, 0].copy()}
        parts["info"] = rows[:, 1:].copy()
        for kind, array in parts.items():
            (root / f"{stem}-{kind}.mat{ending}").write_bytes(pack(binary(array)))


@pytest.mark.parametrize("zipped", [True, False])
def test_both_parts_of_one_camera(tmp_path, zipped):
    write(tmp_path, zipped)
    data = load("smallnorb", path=str(tmp_path))
    assert (len(data), data.shape) == (5, (1, 64, 64))
    assert dict(data.factors) == {"category": 3, "elevation": 3, "azimuth": 3, "lighting": 3}
    assert data.images(np.arange(5))[:, 0, 9, 9].tolist() == [0, 10, 20, 100, 110]
    assert data.classes([1, 3]).tolist() == [[1, 1, 2, 2], [1, 0, 1, 2]]
    assert "instance" in notes_of(data).left_out


def test_the_other_camera_and_one_part(tmp_path):
    write(tmp_path)
    data = load("smallnorb", path=str(tmp_path), split="test", camera=1, size=96)
    assert data.images([0, 1])[:, 0, 0, 0].tolist() == [101, 111]
    left = load("smallnorb", path=str(tmp_path), split="test", size=96)
    assert data.fingerprint != left.fingerprint


def test_files_that_do_not_fit(tmp_path):
    with pytest.raises(UserError, match="from the page of LeCun, Huang & Bottou"):
        load("smallnorb", path=str(tmp_path))
    write(tmp_path, zipped=False)
    file = tmp_path / f"{STEMS['testing']}-info.mat"
    file.write_bytes(binary(np.zeros((3, 4), "<i4")))
    with pytest.raises(UserError, match=r"testing-info\.mat: it is \(3, 4\)"):
        load("smallnorb", path=str(tmp_path))
    for content, said in ((b"MATLAB 5.0 MAT-file", "it starts with"), (b"UL", "ends too early")):
        file.write_bytes(content)
        with pytest.raises(UserError, match=said):
            norb.read(file)
