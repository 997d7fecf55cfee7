"""The data set `celeba`, from small files in its format."""

import numpy as np
import pytest
from PIL import Image

from trainer.config.schema import FieldError
from trainer.data import load, notes_of
from trainer.data.formats import attribute_table
from trainer.errors import UserError

NAMES = ("Male", "Smiling", "5_o_Clock_Shadow")
ROWS = ([-1, 1, -1], [1, 1, -1], [1, -1, -1], [-1, -1, -1])


def write(root, pictures="img_align_celeba", tables="", csv=False):
    """Four faces of 178 x 218, a shade each, as the authors' tables are written, or Kaggle's."""
    for folder in (root / pictures, root / tables):
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 5):
        pixels = np.full((218, 178, 3), 40 * number, np.uint8)
        pixels[:16] = 255  # above the square in the middle
        Image.fromarray(pixels).save(root / pictures / f"{number:06}.jpg", quality=95)
    files = [f"{number:06}.jpg" for number in range(1, 5)]
    if csv:
        lines = [",".join(["image_id", *NAMES])]
        lines += [",".join([f, *map(str, row)]) for f, row in zip(files, ROWS, strict=True)]
        parts = ["image_id,partition", *(f"{f},{k // 2}" for k, f in enumerate(files))]
    else:
        lines = ["4", " ".join(NAMES) + " "]
        lines += [
            f + " " + " ".join(f"{v:2d}" for v in row) for f, row in zip(files, ROWS, strict=True)
        ]
        parts = [f"{f} {k // 2}" for k, f in enumerate(files)]
    ending = "csv" if csv else "txt"
    (root / tables / f"list_attr_celeba.{ending}").write_text("\n".join(lines) + "\n")
    (root / tables / f"list_eval_partition.{ending}").write_text("\n".join(parts) + "\n")


@pytest.mark.parametrize("csv", [False, True])
def test_attributes_are_weak_labels_and_faces_are_cut_to_squares(tmp_path, csv):
    write(tmp_path, csv=csv)
    data = load("celeba", path=str(tmp_path))
    assert (len(data), data.shape, data.levels) == (4, (3, 64, 64), 255)
    assert dict(data.factors) == {"Male": 2, "Smiling": 2}
    assert data.classes(np.arange(4)).tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]
    assert "5_o_Clock_Shadow" in notes_of(data).left_out
    images = data.images(np.arange(4))
    assert np.allclose(images.mean((1, 2, 3)), [40, 80, 120, 160], atol=2)
    assert images.std((1, 2, 3)).max() < 2
    assert load("celeba", path=str(tmp_path), size=32, gray=True).shape == (1, 32, 32)


def test_the_official_parts_in_folders_as_they_are_unpacked(tmp_path):
    write(tmp_path, pictures="Img/img_align_celeba", tables="Anno")
    data = load("celeba", path=str(tmp_path), split="valid", factors=["Male"])
    assert data.classes([0, 1]).tolist() == [[1], [0]]
    assert np.allclose(data.images([0, 1]).mean((1, 2, 3)), [120, 160], atol=2)
    with pytest.raises(UserError, match="no image is in the split test"):
        load("celeba", path=str(tmp_path), split="test")


def test_the_folder_of_faces_with_the_tables_beside_it(tmp_path):
    write(tmp_path)
    data = load("celeba", path=str(tmp_path / "img_align_celeba"))
    assert data.classes([1]).tolist() == [[1, 1]]


def test_faces_without_a_row_and_without_any_table(tmp_path):
    write(tmp_path)
    table = tmp_path / "list_attr_celeba.txt"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]))
    data = load("celeba", path=str(tmp_path))
    assert data.classes([3]).tolist() == [[-1, -1]]
    assert "1 images have no row in list_attr_celeba.txt" in notes_of(data).labels
    table.unlink()
    data = load("celeba", path=str(tmp_path))
    assert not data.factors and "was not found" in notes_of(data).labels[0]


def test_a_smaller_square_gives_other_pixels(tmp_path):
    write(tmp_path)
    whole, middle = (load("celeba", path=str(tmp_path), crop=crop) for crop in (None, 100))
    assert whole.fingerprint != middle.fingerprint
    with pytest.raises(FieldError, match="crop: expected at most 178"):
        load("celeba", path=str(tmp_path), crop=200)


def test_missing_files(tmp_path):
    with pytest.raises(UserError, match="get them from the page of Liu et al"):
        load("celeba", path=str(tmp_path / "none"))
    (tmp_path / "img_align_celeba.zip").write_bytes(b"")
    with pytest.raises(UserError, match=r"img_align_celeba\.zip: unpack it in place"):
        load("celeba", path=str(tmp_path))
    write(tmp_path)
    (tmp_path / "list_eval_partition.txt").unlink()
    with pytest.raises(UserError, match="no list_eval_partition"):
        load("celeba", path=str(tmp_path), split="train")
    (tmp_path / "list_attr_celeba.txt").write_text("1\nMale Smiling Young\n000001.jpg 1\n")
    with pytest.raises(UserError, match="1 columns under 3 names"):
        load("celeba", path=str(tmp_path))
    (tmp_path / "list_attr_celeba.txt").write_text("2\nMale\n000001.jpg 1\n000002.jpg x\n")
    with pytest.raises(UserError, match=r"line 4: expected a file and 1 integers"):
        attribute_table.read(tmp_path / "list_attr_celeba.txt")
