"""Picture files as people have them: what is seen is what is read, or a line says why not."""

import io

import numpy as np
import pytest
from PIL import Image

from trainer.data import load, notes_of
from trainer.errors import UserError

RED, GREEN = (220, 40, 40), (40, 180, 60)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)


def flat(value, shape=(8, 8)):
    return np.full(shape, value, np.uint8)


def read(folder, **options):
    data = load("folder", path=str(folder), **options)
    return data, data.images(np.arange(len(data)))


def rgba(rng):
    """A red square; what lies under the rest, which cannot be seen, is noise."""
    noise = rng.integers(0, 256, (8, 8, 3))
    pixels = np.concatenate([noise, np.zeros((8, 8, 1))], axis=2).astype(np.uint8)
    pixels[2:6, 2:6] = (*RED, 255)
    return Image.fromarray(pixels)


def rgb_with_a_transparent_colour(rng):
    pixels = flat(7, (8, 8, 3))
    pixels[2:6, 2:6] = RED
    return Image.fromarray(pixels), {"transparency": (7, 7, 7)}


def palette_with_a_transparent_entry(rng):
    indices = rng.integers(0, 2, (8, 8)).astype(np.uint8)  # entries 0 and 1 are both see-through
    indices[2:6, 2:6] = 2
    picture = Image.fromarray(indices, "P")
    picture.putpalette([1, 2, 3, 9, 8, 7, *RED])
    return picture, {"transparency": bytes([0, 0, 255])}


@pytest.mark.parametrize(
    "make", [rgba, rgb_with_a_transparent_colour, palette_with_a_transparent_entry]
)
@pytest.mark.parametrize(
    ("background", "shown"), [("white", (255,) * 3), ("#102030", (16, 32, 48))]
)
def test_what_is_transparent_shows_the_background(tmp_path, make, background, shown):
    rng = np.random.default_rng(0)
    for number in range(3):
        made = make(rng)
        picture, options = made if isinstance(made, tuple) else (made, {})
        picture.save(tmp_path / f"{number}.png", **options)
    data, images = read(tmp_path, background=background)
    assert tuple(images[0, :, 0, 0]) == shown and tuple(images[0, :, 3, 3]) == RED
    assert (images == images[0]).all()
    (remark,) = notes_of(data).images
    assert "3 images are partly transparent" in remark


def test_gray_with_alpha_stays_gray_only_on_a_gray_background(tmp_path):
    pixels = np.stack([flat(0), np.eye(8) * 255], axis=2)
    save(tmp_path / "a.png", pixels)
    data, images = read(tmp_path)
    assert data.shape[0] == 1
    assert np.array_equal(images[0, 0], 255 - np.eye(8, dtype=np.uint8) * 255)
    assert read(tmp_path, background="red")[0].shape[0] == 3


def test_opaque_alpha_is_no_transparency(tmp_path):
    save(tmp_path / "rgb" / "a.png", np.full((4, 4, 3), RED))
    save(tmp_path / "rgba" / "a.png", np.full((4, 4, 4), (*RED, 255)))
    plain, opaque = read(tmp_path / "rgb"), read(tmp_path / "rgba")
    assert np.array_equal(plain[1], opaque[1]) and notes_of(opaque[0]).images == ()
    same = load("folder", path=str(tmp_path / "rgba"), background="red").fingerprint
    assert same == opaque[0].fingerprint


def test_an_invalid_colour(tmp_path):
    save(tmp_path / "a.png", flat(1))
    for wrong in ("whit", [1, 2], [0, 0, 300]):
        with pytest.raises(UserError, match="background: expected a colour"):
            load("folder", path=str(tmp_path), background=wrong)


TURNED = {
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.T,
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].T,
    8: lambda x: np.rot90(x),
}


@pytest.mark.parametrize("ending", ["png", "webp", "tiff", "jpg"])
@pytest.mark.parametrize("orientation", TURNED)
def test_images_are_rotated_upright(tmp_path, ending, orientation):
    pixels = flat(0, (16, 24))
    pixels[:8, :8], pixels[8:, :8] = 250, 120
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if ending == "webp" else {"quality": 95}
    Image.fromarray(pixels).save(tmp_path / f"a.{ending}", exif=exif, **lossless)
    data, images = read(tmp_path, gray=True)
    wanted = TURNED[orientation](pixels)
    assert data.shape[1:] == wanted.shape
    assert np.abs(images[0, 0].astype(int) - wanted).max() < 12
    assert any("turned upright" in remark for remark in notes_of(data).images)


def test_one_image_in_colour_makes_all_three_channels(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", flat(90) if number != 2 else np.full((8, 8, 3), GREEN))
    data, images = read(tmp_path)
    assert data.shape == (3, 8, 8)
    assert (images[0] == 90).all() and tuple(images[2, :, 0, 0]) == GREEN
    (remark,) = notes_of(data).images
    assert "2 of 3 images are grey" in remark and "0.png" in remark
    assert read(tmp_path, gray=True)[0].shape[0] == 1


def test_hidden_and_left_behind_files_are_not_read(tmp_path):
    save(tmp_path / "one" / "a.png", flat(1))
    save(tmp_path / "one" / "b.png", flat(2))
    for junk in (
        ".ipynb_checkpoints/a-checkpoint.png",
        ".git/a.png",
        "one/.hidden/a.png",
        "one/._a.png",
        "__MACOSX/one/a.png",
        "one/@eaDir/a.png",
    ):
        save(tmp_path / junk, flat(3))
    for junk in (".DS_Store", "one/Thumbs.db", "one/desktop.ini", "readme.txt"):
        (tmp_path / junk).write_bytes(b"x")
    data, images = read(tmp_path)
    assert data.files == ("one/a.png", "one/b.png")
    assert images[:, 0, 0, 0].tolist() == [1, 2]


def test_linked_folders_are_read_once(tmp_path):
    save(tmp_path / "elsewhere" / "a.png", flat(1))
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "set")
    assert load("folder", path=str(tmp_path / "set")).files == ("linked/a.png",)


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["img_1", "img_10", "img_2"], ["img_1", "img_2", "img_10"]),
        (["b2/a10", "b2/a9", "b10/a1"], ["b2/a9", "b2/a10", "b10/a1"]),
        (["x1_10", "x1_9", "x01_8"], ["x01_8", "x1_9", "x1_10"]),
        (["a", "a1", "a-1", "B"], ["B", "a-1", "a", "a1"]),  # without numbers, as texts go
    ],
)
def test_files_are_in_natural_order(tmp_path, names, ordered):
    for number, name in enumerate(names):
        save(tmp_path / f"{name}.png", flat(number))
    assert load("folder", path=str(tmp_path)).files == tuple(f"{name}.png" for name in ordered)


PLAIN = ["png", "webp", "bmp", "gif", "tif", "TIFF", "ppm", "pgm", "pnm", "tga", "avif"]


@pytest.mark.parametrize("ending", [*PLAIN, "jpg", "JPEG", "jfif"])
def test_formats(tmp_path, ending):
    lossy = ending.lower() in ("jpg", "jpeg", "jfif", "webp", "avif")
    mode = "L" if ending in ("pgm", "gif", "pnm") else "RGB"
    buffer = io.BytesIO()
    kinds = {"jpg": "JPEG", "jfif": "JPEG", "tif": "TIFF", "pgm": "PPM", "pnm": "PPM"}
    picture = Image.new(mode, (8, 8), RED if mode == "RGB" else 77)
    picture.save(buffer, kinds.get(ending, ending.upper()))
    (tmp_path / f"a.{ending}").write_bytes(buffer.getvalue())
    data, images = read(tmp_path)
    wanted = np.array(RED if data.shape[0] == 3 else 77).reshape(-1, 1, 1)
    assert np.abs(images[0].astype(int) - wanted).max() <= (6 if lossy else 0)


def test_other_modes(tmp_path):
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    Image.new("1", (4, 4), 1).save(tmp_path / "b.png")
    _, images = read(tmp_path)
    assert images[0, :, 0, 0].tolist() == [255, 0, 0] and (images[1] == 255).all()


@pytest.mark.parametrize("ending", ["gif", "webp", "tiff", "png"])
def test_the_first_of_several_frames(tmp_path, ending):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("black", "white", "red")]
    options = {"lossless": True} if ending == "webp" else {}
    frames[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:], **options)
    data, images = read(tmp_path)
    assert (images == 0).all()
    assert "1 image has several frames; only the first is read" in notes_of(data).images[-1]


@pytest.mark.parametrize(("top", "white"), [(65535, 65535), (40_000, 65535), (4000, 4095)])
@pytest.mark.parametrize("ending", ["png", "tiff", "pgm"])
def test_sixteen_bits(tmp_path, ending, top, white):
    values = np.linspace(0, top, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(values).save(tmp_path / f"a.{ending}")
    if ending == "pgm" and white != 65535:
        return  # a PGM file says itself what is white
    data, images = read(tmp_path)
    assert data.shape == (1, 8, 8)
    assert np.abs(images[0, 0] - values * (255 / white)).max() <= 0.5
    (remark,) = notes_of(data).images
    assert f"{white:,} is white" in remark


def test_all_broken_files_are_named_together(tmp_path, cache_folder):
    rng = np.random.default_rng(0)
    for number in range(8):
        save(tmp_path / f"{number}.png", rng.integers(0, 256, (16, 16)))
    whole = (tmp_path / "3.png").read_bytes()
    (tmp_path / "3.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "5.png").write_bytes(b"")
    Image.fromarray(rng.integers(0, 65536, (16, 16)).astype(np.uint16)).save(tmp_path / "6.png")
    data = load("folder", path=str(tmp_path))
    with pytest.raises(
        UserError, match=r"3 of 8 images cannot be used: 3\.png: .*5\.png.*6\.png: 16"
    ):
        data.stored()
    assert not list(cache_folder.glob("*.npy"))


def test_a_folder_of_only_broken_files(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.png").write_text("x")
    with pytest.raises(UserError, match=r"2 of 2 images cannot be used: a\.png: is not an image"):
        load("folder", path=str(tmp_path))


def test_many_sizes_are_one_line(tmp_path):
    for number in range(5):
        save(tmp_path / f"{number}.png", flat(number, (8, 8 + number)))
    with pytest.raises(UserError) as caught:
        load("folder", path=str(tmp_path)).stored()
    said = str(caught.value)
    assert "0.png has 8 x 8, 4 have others, such as 4.png with 12 x 8; set `size`" in said


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_fit(tmp_path, fit):
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, :4] = 255  # white at the left, which a cut about the middle loses
    save(tmp_path / "a.png", wide)
    data, images = read(tmp_path, size=8, fit=fit, background="red")
    above, left = images[0, :, 0, 6].tolist(), images[0, :, 4, 0].tolist()
    expected = {
        "crop": ([0, 0, 0], [0, 0, 0]),
        "pad": ([255, 0, 0], [255, 255, 255]),
        "stretch": ([0, 0, 0], [255, 255, 255]),
    }
    assert (above, left) == expected[fit]
    (remark,) = notes_of(data).images
    assert f"fit: {fit}" in remark


def test_fingerprints_tell_apart_what_is_read_otherwise(tmp_path):
    save(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (8, 16, 4)))
    options = ({}, {"background": "black"}, {"size": 4}, {"size": 4, "fit": "pad"})
    prints = {load("folder", path=str(tmp_path), **each).fingerprint for each in options}
    assert len(prints) == 4


def test_files_that_are_left_out_are_reported(tmp_path):
    save(tmp_path / "a.png", flat(1))
    (tmp_path / "b.heic").write_bytes(b"x")
    (tmp_path / "labels.csv").write_text("file,x\n")
    notes = notes_of(load("folder", path=str(tmp_path)))
    assert notes.images == ("1 .heic file is left out: convert to PNG or JPEG",)
    assert "labels.csv in the folder is ignored" in notes.labels[0]


def test_one_file_beside_class_folders_is_named(tmp_path):
    for number in range(8):
        save(tmp_path / ("cat", "dog")[number % 2] / f"{number}.png", flat(9 * number))
    save(tmp_path / "overview.png", flat(1))
    notes = notes_of(read(tmp_path)[0])
    assert notes.labels[0].startswith("overview.png is not in a subfolder, so subfolder names")


def test_an_image_of_too_many_pixels(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: has 400,000,000 pixels, too many"):
        read(tmp_path, size=8)


def test_a_single_image_file(tmp_path):
    save(tmp_path / "a.png", flat(1))
    with pytest.raises(UserError, match="is a single image file; specify the folder of all images"):
        read(tmp_path / "a.png")
