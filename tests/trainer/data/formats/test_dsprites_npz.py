"""Reading the original file, here one with fewer images in the same form."""

import numpy as np
import pytest

from trainer.data import load
from trainer.data.rendering import sprites
from trainer.errors import UserError

FACTORS = {"shape": 3, "scale": 2, "orientation": 4, "posX": 9, "posY": 11}
COUNT = 2376  # more than one block, and not a whole number of them


@pytest.fixture(autouse=True)
def fewer_images(monkeypatch):
    monkeypatch.setattr(sprites, "FACTORS", FACTORS)


@pytest.fixture
def arrays():
    classes = np.indices(tuple(FACTORS.values())).reshape(5, -1).T
    return {
        "imgs": np.random.default_rng(0).integers(0, 2, (COUNT, 64, 64)).astype(np.uint8),
        "latents_classes": np.concatenate([np.zeros((COUNT, 1), int), classes], axis=1),
        "metadata": np.array({"title": "dSprites"}, dtype=object),
    }


@pytest.fixture
def path(tmp_path, arrays):
    np.savez_compressed(tmp_path / "original.npz", **arrays)
    return tmp_path / "original.npz"


def test_images_are_those_of_the_file(path, arrays):
    data = load("dsprites", path=str(path))
    assert (data.source, len(data), data.shape) == ("npz", COUNT, (1, 64, 64))
    assert np.array_equal(data.images(np.arange(COUNT))[:, 0], arrays["imgs"])
    assert np.array_equal(data.classes(np.arange(COUNT)), arrays["latents_classes"][:, 1:])
    assert data.stored().shape == (COUNT, 512)


def test_a_part_of_the_file(path, arrays):
    part = load("dsprites", path=str(path), factors={"shape": [1], "posX": [8, 0]})
    wanted = (arrays["latents_classes"][:, 1] == 1) & np.isin(
        arrays["latents_classes"][:, 4], [0, 8]
    )
    assert np.array_equal(part.images(np.arange(len(part)))[:, 0], arrays["imgs"][wanted])


def test_fingerprint_is_of_the_content(path, arrays, tmp_path):
    first = load("dsprites", path=str(path)).fingerprint
    copy = tmp_path / "copy.npz"
    copy.write_bytes(path.read_bytes())
    assert load("dsprites", path=str(copy)).fingerprint == first
    arrays["imgs"][7, 7, 7] ^= 1
    np.savez_compressed(path, **arrays)
    assert load("dsprites", path=str(path)).fingerprint != first
    assert load("dsprites").fingerprint != first


def refuses(path, message):
    with pytest.raises(UserError, match=message) as caught:
        load("dsprites", path=str(path)).stored()
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    refuses(tmp_path / "none.npz", "No such file")


def test_a_file_of_something_else(tmp_path):
    (tmp_path / "page.npz").write_text("<html>404</html>")
    refuses(tmp_path / "page.npz", "expected the original, complete dsprites")


def test_a_truncated_file(path):
    path.write_bytes(path.read_bytes()[:-1000])
    refuses(path, "cannot be read")


def test_a_flipped_byte_in_the_images(path, cache_folder):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    refuses(path, "cannot be read|imgs contains")
    assert not list(cache_folder.glob("dsprites-*.npy"))


def test_arrays_that_are_missing_or_wrong(path, arrays, tmp_path):
    np.savez(tmp_path / "a.npz", latents_classes=arrays["latents_classes"])
    refuses(tmp_path / "a.npz", "no item named 'imgs.npy'")
    np.savez(tmp_path / "b.npz", **arrays | {"imgs": arrays["imgs"][:-1]})
    refuses(tmp_path / "b.npz", r"imgs is uint8 \(2375, 64, 64\), not \(2376, 64, 64\)")
    np.savez(tmp_path / "c.npz", **arrays | {"imgs": arrays["imgs"] * 255})
    refuses(tmp_path / "c.npz", "imgs contains values other than 0 and 1")
    np.savez(tmp_path / "d.npz", **arrays | {"latents_classes": arrays["latents_classes"][::-1]})
    refuses(tmp_path / "d.npz", "not in the order of the factors")
    np.savez(tmp_path / "e.npz", **arrays | {"imgs": np.array([{}], dtype=object)})
    refuses(tmp_path / "e.npz", "Python objects")
