"""The data set `cars3d`, from small files in its format."""

import numpy as np
import pytest
from scipy.io import savemat

from trainer.data import load
from trainer.errors import UserError


def write(root, cars=3, side=8):
    """Each picture of a car has one colour, which says the car, the side and the height."""
    folder = root / "data" / "cars"
    folder.mkdir(parents=True, exist_ok=True)
    car, azimuth, elevation = np.indices((cars, 6, 4))
    colours = np.stack([50 * car, 20 * azimuth, 40 * elevation]).astype(np.uint8)
    for number in range(cars):
        im = np.broadcast_to(colours[:, number], (side, side, 3, 6, 4))
        name = f"car_{number + 8:03}_mesh.mat"
        savemat(folder / name, {"im": im, "mask": np.ones((side, side, 6, 4), bool)})
    (folder / "list.txt").write_text("car_008_mesh\n")
    return folder


def test_every_image_has_its_factors(tmp_path):
    write(tmp_path)
    data = load("cars3d", path=str(tmp_path), size=8)
    assert dict(data.factors) == {"object_type": 3, "azimuth": 6, "elevation": 4}
    assert (len(data), data.shape) == (72, (3, 8, 8))
    colours = data.images(np.arange(72))[:, :, 5, 2]
    assert np.array_equal(colours, data.classes(np.arange(72)) * [50, 20, 40])


def test_64_pixels_are_what_is_used(tmp_path):
    folder = write(tmp_path, cars=1)
    data = load("cars3d", path=str(folder))
    assert data.images([0]).shape == (1, 3, 64, 64)


def test_the_fingerprint_follows_the_files(tmp_path):
    folder = write(tmp_path)
    before = load("cars3d", path=str(folder), size=8).fingerprint
    (folder / "car_010_mesh.mat").unlink()
    assert load("cars3d", path=str(folder), size=8).fingerprint != before


def test_files_that_do_not_fit(tmp_path):
    with pytest.raises(UserError, match=r"nips2015-analogy-data\.tar\.gz from the page of Reed"):
        load("cars3d", path=str(tmp_path))
    folder = write(tmp_path)
    write(tmp_path, cars=1, side=4)
    with pytest.raises(UserError, match=r"car_009_mesh\.mat: im is \(8, 8, 3, 6, 4\)"):
        load("cars3d", path=str(folder)).stored()
    savemat(folder / "car_008_mesh.mat", {"mask": np.ones(3)})
    with pytest.raises(UserError, match=r"car_008_mesh\.mat: no array im"):
        load("cars3d", path=str(folder))
