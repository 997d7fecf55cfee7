"""One picture of any kind made into the pixels a data set keeps."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

MODES = (
    "1",
    "L",
    "LA",
    "P",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
)  # Pillow's names, eight bits a channel
GRAY = ("1", "L", "LA")


def from_array(pixels: NDArray[np.uint8]) -> Image.Image:
    """A picture from bytes (height, width), or (height, width, 1 or 3)."""
    return Image.fromarray(pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def prepare(picture: Image.Image, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Pixels (channels, height, width) of `shape`; 1 channel is grey, 3 are RGB.

    A picture of another size is cut to the right proportions about its middle and resized.
    """
    channels, height, width = shape
    picture = picture.convert("L" if channels == 1 else "RGB")
    if picture.size != (width, height):
        picture = ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(height, width, channels).transpose(2, 0, 1)


def row(pixels: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """`pixels` 0..255 as a row of Dataset.stored: bytes, or bits split at half grey."""
    flat = pixels.reshape(-1)
    return np.packbits(flat >= 128) if levels == 1 else flat
