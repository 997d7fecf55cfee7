"""The data set `yale_b`: faces under 64 lights (Georghiades et al. 2001; Lee et al. 2005)."""

import re

import numpy as np

from trainer.data.formats.picture_folder import PictureFiles
from trainer.data.published.published import PublishedPictures, by_value, named_pictures

# person, pose, and direction of the light in degrees
_NAME = re.compile(r"yaleB(\d+)_P(\d+)A([+-]\d+)E([+-]\d+)\.pgm", re.IGNORECASE)
_HELP = (
    "expected the folder CroppedYale (or ExtendedYaleB), with files such as "
    "yaleB01/yaleB01_P00A+005E+10.pgm; get CroppedYale.zip from the page of the Extended Yale "
    "Face Database B"
)


class YaleB(PublishedPictures):
    """Extended Yale Face B, whose file names encode `identity`, `pose` and the light's direction.

    The factors of the light are `light_azimuth` and `light_elevation`, ordered by angle. The
    cropped faces have a single pose, so `pose` is left out. Images in ambient light, and those that
    the authors marked as bad (`.pgm.bad`), are not read.

    path: the folder `CroppedYale` or `ExtendedYaleB`, or a parent folder.
    size: side in pixels after cropping at the centre and resizing; by default 192 x 168 as
        published, the input in the troubleshooting paper (D.5).

        load("yale_b", path="CroppedYale", size=64)

    Raises FieldError for invalid options, UserError for invalid files.
    """

    name = "yale_b"
    expected = _HELP

    def __init__(self, *, path: str, size: int | None = None):
        named = named_pictures(path, _NAME, f"no faces found; {_HELP}")
        read = np.array([[int(part) for part in fit.groups()] for fit in named.fits])
        factors = ("identity", "pose", "light_azimuth", "light_elevation")
        known = by_value(dict(zip(factors, read.T, strict=True)), len(named.files))
        pictures = PictureFiles(named.folder, named.files, remarks=_left_out(named.others))
        super().__init__(pictures, known, size, gray=True)


def _left_out(names: list[str]) -> tuple[str, ...]:
    bad = sum(name.lower().endswith(".pgm.bad") for name in names)
    ambient = sum(name.lower().endswith("_ambient.pgm") for name in names)
    parts = [f"{bad} marked as bad"] if bad else []
    parts += [f"{ambient} in ambient light"] if ambient else []
    return (f"left out: {' and '.join(parts)}",) if parts else ()
