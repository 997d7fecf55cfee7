"""An image of any kind, converted to the pixels that a data set stores."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from trainer.errors import UserError

Fit = Literal["crop", "pad", "stretch"]
Colour = tuple[int, int, int]
Opener = Callable[[], IO[bytes]]

WHITE: Colour = (255, 255, 255)
GRAY = ("1", "L", "LA", "La")  # Pillow's modes with at most eight bits per channel
SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N", "I")  # I: a PGM file of 16 bits
COLOUR = ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")
_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Unusable(Exception):
    """An image that cannot be used; the message says why, without the image's name."""


@dataclass(frozen=True)
class PictureFacts:
    """Facts about an image.

    width, height: as displayed. colour: not grey. sixteen: 16 bits per pixel.
    top: the largest value if `sixteen`, else 255. transparent: whether any pixel is. turned:
    displayed in a different orientation than stored (EXIF). frames: more than 1 in an animation.
    """

    width: int
    height: int
    colour: bool
    sixteen: bool
    top: int
    transparent: bool
    turned: bool
    frames: int


@dataclass(frozen=True)
class Look:
    """How images are converted to one form.

    background: colour behind transparent pixels, and of the padding.
    fit: how an image with other proportions is handled. top: the value of white in a 16-bit image.
    window: side in pixels of the central square that is used; if None, the whole image.
    """

    background: Colour = WHITE
    fit: Fit = "crop"
    top: int = 65535
    window: int | None = None


def opened(source: IO[bytes]) -> Image.Image:
    """The image in a file, its pixels not yet decoded. Raises Unusable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(source)
    except Image.DecompressionBombError as error:
        size = re.search(r"[0-9]+", str(error))
        pixels = f"{int(size[0]):,}" if size else "too many"
        raise Unusable(f"has {pixels} pixels, too many for an image to train on") from None
    except (OSError, SyntaxError, ValueError) as error:
        source.seek(0)
        if not source.read(1):
            raise Unusable("is empty") from None
        if isinstance(error, Image.UnidentifiedImageError):
            raise Unusable("is not an image") from None
        raise Unusable(f"cannot be read ({error})") from None
    if picture.mode not in (*GRAY, *COLOUR, *SIXTEEN):
        raise Unusable(
            f"{picture.mode} pixels are not supported; save it with 8 bits per channel, or all "
            "images as one array"
        )
    return picture


def facts(source: IO[bytes]) -> PictureFacts:
    """Facts about the image in a file; decoded only if needed. Raises Unusable."""
    picture = opened(source)
    orientation = _orientation(picture)
    width, height = picture.size
    if orientation >= 5 and picture.format != "TIFF":  # Pillow rotates TIFF by itself
        width, height = height, width
    sixteen = picture.mode in SIXTEEN
    # MPO: a camera's JPEG with a smaller copy of itself
    frames = 1 if picture.format == "MPO" else int(getattr(picture, "n_frames", 1))
    try:
        colour = picture.mode in COLOUR and not _has_gray_palette(picture)
        top = _largest(picture) if sixteen else 255
        transparent = not sixteen and is_transparent(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise Unusable(f"the image is damaged ({error})") from None
    return PictureFacts(width, height, colour, sixteen, top, transparent, orientation > 1, frames)


def is_transparent(picture: Image.Image) -> bool:
    """Whether any pixel is transparent."""
    if not picture.has_transparency_data:
        return False
    lowest, _ = _rgba(picture).getchannel("A").getextrema()
    return int(lowest) < 255  # type: ignore[arg-type]


def from_array(pixels: NDArray[np.uint8]) -> Image.Image:
    """An image from bytes (height, width), or (height, width, 1, 3 or 4)."""
    return Image.fromarray(pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def prepare(
    picture: Image.Image, shape: tuple[int, int, int], look: Look | None = None
) -> NDArray[np.uint8]:
    """Pixels (channels, height, width) of `shape`; 1 channel is grey, 3 are RGB.

    The image is turned upright and put on the background; if its size differs, it is cropped to the
    right proportions at its centre (or padded, or stretched: `look.fit`), then resized.
    """
    look = look or Look()
    channels, height, width = shape
    if picture.mode in SIXTEEN:
        picture = _eight_bits(picture, look.top)
    picture = _upright(picture)
    if is_transparent(picture):
        behind = Image.new("RGBA", picture.size, (*look.background, 255))
        picture = Image.alpha_composite(behind, _rgba(picture))
    picture = picture.convert("L" if channels == 1 else "RGB")
    if look.window is not None:
        picture = _middle(picture, look.window)
    if picture.size != (width, height):
        picture = _resized(picture, (width, height), look)
    return np.asarray(picture).reshape(height, width, channels).transpose(2, 0, 1)


def row(pixels: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """`pixels` 0..255 as a row of Dataset.stored: bytes, or bits split at half grey."""
    flat = pixels.reshape(-1)
    return np.packbits(flat >= 128) if levels == 1 else flat


def white_of(largest: int) -> int:
    """The white of 16-bit values up to `largest`: the maximum of 8, 10, 12, 14 or 16 bits."""
    return next(top for top in (255, 1023, 4095, 16383, 65535) if largest <= top)


def _has_gray_palette(picture: Image.Image) -> bool:
    """Whether an image with a palette, as in every GIF file, is all grey.

    PNG files with a palette have always been read in colour, and run ids depend on pixels.
    """
    if picture.mode != "P" or picture.format == "PNG":
        return False
    red, green, blue = picture.convert("RGB").split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


def _rgba(picture: Image.Image) -> Image.Image:
    """The image in RGBA, from any 8-bit mode."""
    plain = {"La": "LA", "RGBa": "RGBA"}.get(picture.mode)
    return (picture.convert(plain) if plain else picture).convert("RGBA")


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 if there is none."""
    if picture.format == "PNG" and not _png_has_exif(picture):
        return 1  # reading the tag would decode the whole image
    try:
        found = int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # any: cameras' tags are broken in many ways, but their pixels are not
        return 1
    return found if found in _TURNS else 1


def _png_has_exif(picture: Image.Image) -> bool:
    if "exif" in picture.info or "Raw profile type exif" in picture.info:
        return True
    file = getattr(picture, "fp", None)
    if file is None:  # decoded: everything is known
        return False
    place = file.tell()
    file.seek(0)
    found = b"eXIf" in file.read()
    file.seek(place)
    return found


def _upright(picture: Image.Image) -> Image.Image:
    picture.load()
    if picture.format == "TIFF":
        return picture
    turn = _TURNS.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _largest(picture: Image.Image) -> int:
    values = np.asarray(picture)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise Unusable("32-bit pixels are not supported; save it with 8 or 16 bits per channel")
    return int(values.max(initial=0))


def _eight_bits(picture: Image.Image, top: int) -> Image.Image:
    values = np.asarray(picture).astype(np.float64)
    bytes_ = np.rint(np.clip(values, 0, top) * (255 / top)).astype(np.uint8)
    eight = Image.fromarray(bytes_)
    eight.format = picture.format
    turn = _TURNS.get(_orientation(picture)) if picture.format != "TIFF" else None
    return eight if turn is None else eight.transpose(turn)


def _middle(picture: Image.Image, side: int) -> Image.Image:
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _resized(picture: Image.Image, size: tuple[int, int], look: Look) -> Image.Image:
    how = Image.Resampling.BILINEAR
    if look.fit == "stretch":
        return picture.resize(size, how)
    if look.fit == "pad":
        back = Image.new("RGB", (1, 1), look.background).convert(picture.mode).getpixel((0, 0))
        return ImageOps.pad(picture, size, how, color=back)  # type: ignore[arg-type]
    return ImageOps.fit(picture, size, how)


def colour(text: str | tuple[int, ...]) -> Colour:
    """A colour by name or `#rrggbb`, or as three numbers 0..255. Raises UserError."""
    from PIL import ImageColor

    try:
        found = ImageColor.getrgb(text) if isinstance(text, str) else text
    except ValueError:
        found = ()
    if len(found) < 3 or not all(0 <= part <= 255 for part in found[:3]):
        raise UserError(f"expected a colour, such as white or '#808080', got {text!r}")
    return found[0], found[1], found[2]


def is_gray(colour: Colour) -> bool:
    """Whether a colour has no hue."""
    return len(set(colour)) == 1
