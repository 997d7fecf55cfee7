"""The data set `chairs`: 1,393 chairs from 62 views (Aubry et al. 2014, "Seeing 3D chairs")."""

import re

import numpy as np

from trainer.data.formats.picture_folder import PictureFiles
from trainer.data.published.published import PublishedPictures, by_value, named_pictures

# image number, elevation and azimuth in degrees, camera distance
_NAME = re.compile(r"image_\d+_p(\d+)_t(\d+)_r\d+\.png", re.IGNORECASE)
_HELP = (
    "expected the folder rendered_chairs, with files such as "
    "1028b32dc1873c2afe26a3ac360dbd4/renders/image_013_p020_t139_r096.png; get "
    "rendered_chairs.tar from the page of Aubry et al., Seeing 3D chairs"
)


class Chairs(PublishedPictures):
    """3D chairs, with the factors `identity`, `azimuth` and `elevation` from the file names.

    path: the folder `rendered_chairs`, or a parent folder.
    size, gray: 64 pixels and one channel, as in Higgins et al. 2017 (Table 1).
    crop: side in pixels of the central square to cut from the 600 x 600 images, in which chairs
        have a wide margin. By default the whole image.

        load("chairs", path="rendered_chairs")

    Raises FieldError for invalid options, UserError for invalid files.
    """

    name = "chairs"
    expected = _HELP

    def __init__(self, *, path: str, size: int = 64, gray: bool = True, crop: int | None = None):
        named = named_pictures(path, _NAME, f"no chair images found; {_HELP}")
        angles = np.array([[int(fit[1]), int(fit[2])] for fit in named.fits])
        columns = {
            "identity": np.array([_chair(name) for name in named.files]),
            "azimuth": angles[:, 1],
            "elevation": angles[:, 0],
        }
        known = by_value(columns, len(named.files))
        super().__init__(PictureFiles(named.folder, named.files), known, size, gray, crop)


def _chair(name: str) -> str:
    """The folder of a chair: the last one that is not `renders`."""
    folders = [part for part in name.split("/")[:-1] if part != "renders"]
    return folders[-1] if folders else ""
