"""The data set `yale_b`, from small files in its format."""

import numpy as np
import pytest
from PIL import Image

from trainer.data import load, notes_of
from trainer.errors import UserError

LIGHTS = ((-130, 20), (-5, -10), (5, 10), (110, -20))


def write(root, poses=("00",)):
    """Two people: each picture's shade says which it is."""
    for person in (1, 11):
        folder = root / "CroppedYale" / f"yaleB{person:02}"
        folder.mkdir(parents=True)
        for pose in poses:
            for number, (azimuth, elevation) in enumerate(LIGHTS):
                shade = np.full((192, 168), 100 * (person > 1) + 10 * number, np.uint8)
                name = f"yaleB{person:02}_P{pose}A{azimuth:+04}E{elevation:+03}.pgm"
                Image.fromarray(shade).save(folder / name)
        Image.new("L", (640, 480)).save(folder / f"yaleB{person:02}_P00_Ambient.pgm")
        (folder / f"yaleB{person:02}_P00.info").write_text("unused")
        (folder / f"yaleB{person:02}_P00A-110E-20.pgm.bad").write_bytes(b"unused")


def test_person_and_light_from_the_names(tmp_path):
    write(tmp_path)
    data = load("yale_b", path=str(tmp_path))
    assert dict(data.factors) == {"identity": 2, "light_azimuth": 4, "light_elevation": 4}
    assert (len(data), data.shape) == (8, (1, 192, 168))
    shades = data.images(np.arange(8))[:, 0, 0, 0]
    identity, azimuth, elevation = data.classes(np.arange(8)).T
    assert np.array_equal(shades, 100 * identity + 10 * azimuth)
    heights = sorted(elevation for _, elevation in LIGHTS)
    assert [heights[e] for e in elevation] == [LIGHTS[a][1] for a in azimuth]
    assert notes_of(data).images[0] == "left out: 2 marked as bad and 2 in ambient light"
    assert list(notes_of(data).left_out) == ["pose"]


def test_several_poses_and_another_size(tmp_path):
    write(tmp_path, poses=("00", "03", "08"))
    data = load("yale_b", path=str(tmp_path), size=32)
    assert data.shape == (1, 32, 32) and data.factors["pose"] == 3


def test_no_faces(tmp_path):
    (tmp_path / "yaleB01_P00_Ambient.pgm").write_bytes(b"P5 1 1 255 0")
    with pytest.raises(UserError, match=r"get CroppedYale\.zip from the page of the Extended Yale"):
        load("yale_b", path=str(tmp_path))
