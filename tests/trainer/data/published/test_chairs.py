"""The data set `chairs`, from small files in its format."""

import numpy as np
import pytest
from PIL import Image

from trainer.config.schema import FieldError
from trainer.data import load, notes_of
from trainer.errors import UserError

CHAIRS = ("1028b32dc1873c2afe26a3ac360dbd4", "9ab18a33335373b2659dda512294c744")
ANGLES = (11, 139, 348)


def write(root, side=24):
    """Two chairs from two heights and three sides: the red of a picture says which it is."""
    for chair, identity in enumerate(CHAIRS):
        folder = root / "rendered_chairs" / identity / "renders"
        folder.mkdir(parents=True)
        for number, (height, angle) in enumerate((h, a) for h in (20, 30) for a in ANGLES):
            pixels = np.full((side, side, 3), 255, np.uint8)
            pixels[8:16, 8:16] = (100 * chair + 10 * number, 0, 0)
            name = f"image_{number:03}_p{height:03}_t{angle:03}_r096.png"
            Image.fromarray(pixels).save(folder / name)
    (root / "rendered_chairs" / "all_chair_names.mat").write_bytes(b"unused")


def test_identity_azimuth_and_elevation_from_the_names(tmp_path):
    write(tmp_path)
    data = load("chairs", path=str(tmp_path / "rendered_chairs"), size=24, gray=False)
    assert dict(data.factors) == {"identity": 2, "azimuth": 3, "elevation": 2}
    assert (len(data), data.shape, data.levels) == (12, (3, 24, 24), 255)
    red = data.images(np.arange(12))[:, 0, 12, 12]
    identity, azimuth, elevation = data.classes(np.arange(12)).T
    assert np.array_equal(red, 100 * identity + 10 * (3 * elevation + azimuth))


def test_gray_of_64_pixels_is_the_papers(tmp_path):
    write(tmp_path)
    data = load("chairs", path=str(tmp_path))
    assert data.shape == (1, 64, 64) and data.images([0])[0, 0, 0, 0] == 255


def test_only_the_middle(tmp_path):
    write(tmp_path)
    whole, middle = (load("chairs", path=str(tmp_path), size=8, crop=crop) for crop in (None, 8))
    assert whole.fingerprint != middle.fingerprint
    assert middle.images([0]).max() < 128 < whole.images([0]).max()
    with pytest.raises(FieldError, match="crop: expected at most 24"):
        load("chairs", path=str(tmp_path), crop=25)


def test_a_table_names_the_pictures_and_one_chair_has_no_identity(tmp_path):
    write(tmp_path)
    table = tmp_path / "legs.csv"
    files = sorted((tmp_path / "rendered_chairs").rglob("*.png"))[:6]
    rows = [f"{file.relative_to(tmp_path)},{3 + k % 2}\n" for k, file in enumerate(files)]
    table.write_text("file,legs\n" + "".join(rows))
    data = load("chairs", path=str(tmp_path), labels=str(table))
    assert dict(data.factors) == {"legs": 2}
    one = load("chairs", path=str(tmp_path / "rendered_chairs" / CHAIRS[0]))
    assert list(one.factors) == ["azimuth", "elevation"]
    assert "identity" in notes_of(one).left_out


def test_no_chairs(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "chair.png")
    with pytest.raises(UserError, match=r"rendered_chairs\.tar from the page of Aubry"):
        load("chairs", path=str(tmp_path))
    write(tmp_path)
    broken = next((tmp_path / "rendered_chairs").rglob("*.png"))
    broken.write_bytes(broken.read_bytes()[:-30])
    with pytest.raises(UserError, match=broken.name):
        load("chairs", path=str(tmp_path)).stored()
