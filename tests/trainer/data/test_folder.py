"""The data set `folder`: files and arrays of the user's own."""

import os

import numpy as np
import pytest
from PIL import Image

from trainer.data import load
from trainer.errors import UserError


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3)).astype(np.uint8)


@pytest.fixture
def pictures(tmp_path, pixels):
    """Five colour PNG files, two of them in a subfolder, and things that are no images."""
    folder = tmp_path / "pictures"
    (folder / "b").mkdir(parents=True)
    for name, image in zip(("a.png", "b/0.PNG", "b/1.png", "c.png", "d.png"), pixels, strict=True):
        Image.fromarray(image).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    (folder / "._a.png").write_text("what some systems leave behind")
    return folder


def everything(data):
    return data.images(np.arange(len(data)))


def test_files_in_the_order_of_their_names(pictures, pixels):
    data = load("folder", path=str(pictures))
    assert data.files == ("a.png", "b/0.PNG", "b/1.png", "c.png", "d.png")
    assert (len(data), data.shape, data.levels, data.source) == (5, (3, 12, 10), 255, "files")
    assert np.array_equal(everything(data), pixels.transpose(0, 3, 1, 2))
    assert data.stored().shape == (5, 360)
    assert data.factors == {} and data.labels_fingerprint == ""
    assert data.classes([0, 1]).shape == (2, 0)


def test_gray(pictures, pixels):
    data = load("folder", path=str(pictures), gray=True)
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in pixels])
    assert data.shape == (1, 12, 10)
    assert np.array_equal(everything(data)[:, 0], expected)


def test_gray_files_stay_gray(tmp_path):
    Image.fromarray(np.full((4, 4), 7, np.uint8)).save(tmp_path / "a.png")
    assert load("folder", path=str(tmp_path)).shape == (1, 4, 4)
    assert load("folder", path=str(tmp_path), gray=False).images([0]).tolist() == [
        [[[7] * 4] * 4] * 3
    ]


def test_binary_splits_at_half_gray(tmp_path):
    row = np.array([[0, 127, 128, 255, 200]], np.uint8)
    Image.fromarray(row).save(tmp_path / "a.png")
    data = load("folder", path=str(tmp_path), binary=True)
    assert data.levels == 1 and data.stored().tolist() == [[0b00111000]]
    assert data.images([0]).tolist() == [[[[0, 0, 1, 1, 1]]]]


def test_size_cuts_out_the_middle_square(tmp_path):
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 2:10] = 255  # beyond the square, as resizing looks a little around
    Image.fromarray(wide).save(tmp_path / "a.png")
    data = load("folder", path=str(tmp_path), size=2)
    assert data.images([0]).tolist() == [[[[255, 255], [255, 255]]]]


def test_files_of_different_sizes_need_a_size(pictures):
    Image.fromarray(np.zeros((3, 3, 3), np.uint8)).save(pictures / "c.png")
    with pytest.raises(UserError, match=r"c.png: 3 x 3 pixels, but a.png has 10 x 12; set `size`"):
        load("folder", path=str(pictures)).stored()
    assert load("folder", path=str(pictures), size=8).images([0, 3]).shape == (2, 3, 8, 8)


def test_fingerprint_is_of_pixels_and_not_of_names(pictures):
    first = load("folder", path=str(pictures)).fingerprint
    assert load("folder", path=str(pictures), gray=True).fingerprint != first
    pictures.rename(pictures.with_name("moved"))
    assert load("folder", path=str(pictures.with_name("moved"))).fingerprint == first
    (pictures.with_name("moved") / "d.png").unlink()
    assert load("folder", path=str(pictures.with_name("moved"))).fingerprint != first


@pytest.mark.parametrize("bad", ["text", "cut", "16 bit"])
def test_a_bad_file_is_named(pictures, bad, cache_folder):
    file = pictures / "c.png"
    if bad == "text":
        file.write_text("no image")
    elif bad == "cut":
        file.write_bytes(file.read_bytes()[:-60])
    else:
        Image.fromarray(np.zeros((12, 10), np.uint16)).save(file)
    with pytest.raises(UserError, match=r"pictures/c\.png: ") as caught:
        load("folder", path=str(pictures)).stored()
    assert "\n" not in str(caught.value)
    assert not list(cache_folder.glob("*.npy"))


def test_an_empty_or_missing_folder(tmp_path):
    with pytest.raises(UserError, match="no image files"):
        load("folder", path=str(tmp_path))
    with pytest.raises(UserError, match=r"no such file or folder$"):
        load("folder", path=str(tmp_path / "none"))
    with pytest.raises(
        UserError, match=f"^none: no such file or folder in {os.getcwd()}; relative"
    ):
        load("folder", path="none")


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_an_array_of_bytes(tmp_path, pixels, ending):
    path = tmp_path / f"images.{ending}"
    if ending == "npy":
        np.save(path, pixels)
    else:
        np.savez_compressed(path, images=pixels, other=np.arange(3))
    data = load("folder", path=str(path))
    assert (data.source, data.shape) == ("array", (3, 12, 10))
    assert np.array_equal(everything(data), pixels.transpose(0, 3, 1, 2))
    assert load("folder", path=str(path), size=6, gray=True).images([1]).shape == (1, 1, 6, 6)


def test_an_array_of_zeros_and_ones(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2, (4, 5, 5)).astype(np.uint8)
    np.save(tmp_path / "a.npy", bits)
    np.save(tmp_path / "b.npy", bits.astype(bool))
    np.save(tmp_path / "c.npy", bits.astype(np.float32))
    for data in (
        load("folder", path=str(tmp_path / "a.npy")),
        load("folder", path=str(tmp_path / "a.npy"), binary=True),
        load("folder", path=str(tmp_path / "c.npy")),
        load("folder", path=str(tmp_path / "b.npy")),
    ):
        assert data.levels == 1 and np.array_equal(everything(data)[:, 0], bits)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((2, 4, 4), 1j), "has no array of numbers"),
        (
            np.zeros((4, 4), np.uint8),
            r"is not .* images are flattened, set shape: \[2, 2\]",
        ),
        (np.zeros((2, 4, 4, 2), np.uint8), "is not"),
        (np.zeros((0, 4, 4), np.uint8), "contains no images"),
        (np.array([{}], dtype=object), "Python objects"),
    ],
)
def test_arrays_that_are_not_images(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=message):
        load("folder", path=str(tmp_path / "a.npy"))


def test_an_npz_of_several_arrays(tmp_path):
    path = str(tmp_path / "a.npz")
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4)).astype(np.uint8)
    np.savez(path, first=images[0], second=images[1])
    with pytest.raises(UserError, match=r"a\.npz: contains first \(3, 4, 4\), second .*images_key"):
        load("folder", path=path)
    with pytest.raises(UserError, match=r"images_key: .*no array 'secnd'; did you mean 'second'"):
        load("folder", path=path, images_key="secnd")
    one, two = (load("folder", path=path, images_key=key) for key in ("first", "second"))
    assert np.array_equal(everything(two)[:, 0], images[1])
    assert one.fingerprint != two.fingerprint
