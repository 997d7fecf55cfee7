"""Arrays as people keep them: any usual type, range, layout, name and file."""

import io

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
from PIL import Image

from trainer.data import UNKNOWN, load, notes_of
from trainer.errors import UserError

N = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 5, 6, 3)).astype(np.uint8)
IMAGES[0, 0, 0] = (0, 255, 0)  # both ends occur
CLASSES = np.stack([np.arange(N) % 3, np.arange(N) // 6], axis=1)


def everything(data):
    """Images (N, height, width, channels)."""
    return data.images(np.arange(len(data))).transpose(0, 2, 3, 1)


def loaded(path, **options):
    return load("folder", path=str(path), **options)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (IMAGES.astype(np.float32) / 255, "0 is read as black, 1 as white"),
        (IMAGES / 127.5 - 1, "-1 is read as black, 1 as white"),
        (IMAGES.astype(np.float64), "0 is read as black, 255 as white"),
        (IMAGES.astype(np.int64), "0 is read as black, 255 as white"),
        (IMAGES.astype(np.uint16) * 257, "0 is read as black, 65535 as white"),
        ((IMAGES / 255).astype(np.float16), "0 is read as black, 1 as white"),
    ],
)
def test_ranges(tmp_path, array, said):
    np.save(tmp_path / "a.npy", array)
    data = loaded(tmp_path / "a.npy")
    assert np.abs(everything(data).astype(int) - IMAGES).max() <= (array.dtype == np.float16)
    assert data.levels == 255
    (remark,) = notes_of(data).images
    assert f"{array.dtype} from" in remark and said in remark


def test_bits_of_a_camera(tmp_path):
    np.save(tmp_path / "a.npy", np.array([0, 4095, 2048, 10], np.uint16).reshape(1, 2, 2))
    data = loaded(tmp_path / "a.npy")
    assert data.images([0]).ravel().tolist() == [0, 255, 128, 1]
    assert "4095 as white" in notes_of(data).images[0]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(16).reshape(1, 4, 4).astype(np.float64),  # 0..16, as scikit-learn's digits
        np.arange(16).reshape(1, 4, 4),
        np.linspace(-3, 3, 16).reshape(1, 4, 4),
        np.array([0, 70_000] * 8).reshape(1, 4, 4),
    ],
)
def test_an_ambiguous_range_of_values_is_asked_for(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=r"black and white, e\.g\. range: \["):
        loaded(tmp_path / "a.npy")
    low, high = float(array.min()), float(array.max())
    pixels = loaded(tmp_path / "a.npy", range=[low, high]).images([0])
    assert np.array_equal(pixels.ravel(), np.rint((array.ravel() - low) * 255 / (high - low)))
    with pytest.raises(UserError, match=r"range: images contain .* outside"):
        loaded(tmp_path / "a.npy", range=[low, high - 1])
    with pytest.raises(UserError, match=r"range: expected \[black, white\]"):
        loaded(tmp_path / "a.npy", range=[1, 1])


def test_not_a_number(tmp_path):
    np.save(tmp_path / "a.npy", np.array([0, np.nan, 1, 0.5]).reshape(1, 2, 2))
    with pytest.raises(UserError, match="NaN or infinity"):
        loaded(tmp_path / "a.npy")


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_first(tmp_path, channels):
    images = IMAGES[..., :channels]
    np.save(tmp_path / "a.npy", images.transpose(0, 3, 1, 2))
    data = loaded(tmp_path / "a.npy")
    assert data.shape == (channels, 5, 6) and np.array_equal(everything(data), images)
    assert "is read as 12 images of 5×6×" in notes_of(data).images[0]


def test_an_alpha_channel(tmp_path):
    alpha = np.zeros((N, 5, 6, 1), np.uint8)
    alpha[:, 2:] = 255
    np.save(tmp_path / "a.npy", np.concatenate([IMAGES, alpha], axis=3))
    images = everything(loaded(tmp_path / "a.npy"))
    assert (images[:, :2] == 255).all() and np.array_equal(images[:, 2:], IMAGES[:, 2:])


@pytest.mark.parametrize(
    ("rows", "shape"),
    [
        (IMAGES.reshape(N, -1), [5, 6, 3]),
        (IMAGES.transpose(0, 3, 1, 2).reshape(N, -1), [3, 5, 6]),
    ],
)
def test_flat_rows(tmp_path, rows, shape):
    np.save(tmp_path / "a.npy", rows)
    assert np.array_equal(everything(loaded(tmp_path / "a.npy", shape=shape)), IMAGES)
    with pytest.raises(UserError, match="if its images are flattened, set shape"):
        loaded(tmp_path / "a.npy")
    with pytest.raises(UserError, match=r"shape: .* has 30 values, but an image of .* has 90"):
        loaded(tmp_path / "a.npy", shape=[5, 6])


@pytest.mark.parametrize(
    ("arrays", "factors"),
    [
        ({"images": IMAGES, "labels": CLASSES}, {"factor_0": 3, "factor_1": 2}),
        ({"x": IMAGES, "y": CLASSES[:, 0]}, {"y": 3}),
        ({"X": IMAGES, "Y": CLASSES[:, :1]}, {"Y": 3}),
        ({"data": IMAGES, "hue": CLASSES[:, 0], "place": CLASSES[:, 1]}, {"hue": 3, "place": 2}),
        ({"x_train": IMAGES, "y_train": CLASSES[:, 0], "x_test": IMAGES}, {"y_train": 3}),
        ({"images": IMAGES, "mean": np.zeros(90)}, {}),
        (
            {"images": IMAGES, "labels": CLASSES, "factor_names": np.array(["hue", "place"])},
            {"hue": 3, "place": 2},
        ),
        (
            {"images": IMAGES, "labels": np.where(CLASSES > 0, 1, -1)},
            {"factor_0": 2, "factor_1": 2},
        ),
    ],
)
def test_labels_beside_the_images(tmp_path, arrays, factors):
    np.savez(tmp_path / "a.npz", **arrays)
    data = loaded(tmp_path / "a.npz")
    assert dict(data.factors) == factors
    assert np.array_equal(everything(data), IMAGES)
    signs = "labels" in arrays and arrays["labels"].min() < 0
    known = (CLASSES > 0).astype(int) if signs else CLASSES
    assert np.array_equal(data.classes(np.arange(N)), known[:, : len(factors)])


def test_a_file_in_the_format_of_dsprites(tmp_path):
    latents = np.concatenate([np.zeros((N, 1), int), CLASSES, np.zeros((N, 3), int)], axis=1)
    np.savez(
        tmp_path / "a.npz",
        imgs=(IMAGES[..., 0] > 99).astype(np.uint8),
        latents_values=latents * 1.5,
        latents_classes=latents,
        metadata=np.array({"what": "pickled, never read"}),
    )
    data = loaded(tmp_path / "a.npz")
    assert data.levels == 1 and dict(data.factors) == {"shape": 3, "scale": 2}
    assert notes_of(data).left_out.keys() == {"color", "orientation", "posX", "posY"}


def test_names_for_columns_and_a_choice_of_them(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=CLASSES)
    assert list(loaded(tmp_path / "a.npz", factors=["hue", "place"]).factors) == ["hue", "place"]
    assert list(loaded(tmp_path / "a.npz", factors=["factor_1"]).factors) == ["factor_1"]
    with pytest.raises(UserError, match="factors: unknown factor 'hue'"):
        loaded(tmp_path / "a.npz", factors=["hue"])


@pytest.mark.parametrize("labels", [CLASSES[:-1], np.zeros(N + 1, int), CLASSES[:-1, 0]])
def test_another_number_of_labels_is_refused(tmp_path, labels):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels)
    with pytest.raises(UserError, match=f"labels for {len(labels)} images, but there are 12"):
        loaded(tmp_path / "a.npz")


def test_keys(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES[:3], mine=IMAGES, age=CLASSES[:, 0], labels=[1, 2])
    data = loaded(tmp_path / "a.npz", images_key="mine", labels_key="age")
    assert len(data) == N and dict(data.factors) == {"age": 3}
    with pytest.raises(UserError, match=r"labels_key: .* has no array 'aeg'; did you mean 'age'"):
        loaded(tmp_path / "a.npz", images_key="mine", labels_key="aeg")


def test_hdf5(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["set/images"] = IMAGES
        file["set/labels"] = CLASSES
        file["set/names"] = ["hue", "place"]
    data = loaded(tmp_path / "a.h5")
    assert np.array_equal(everything(data), IMAGES)
    assert dict(data.factors) == {"hue": 3, "place": 2}
    assert np.array_equal(data.classes(np.arange(N)), CLASSES)


def matlab_5(path, **arrays):
    scipy.io.savemat(path, arrays)


def matlab_73(path, **arrays):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = array.T  # MATLAB's first axis is HDF5's last
            file[name].attrs["MATLAB_class"] = np.bytes_("uint8")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


@pytest.mark.parametrize("save", [matlab_5, matlab_73])
@pytest.mark.parametrize("gray", [False, True])
def test_matlab(tmp_path, save, gray):
    images = IMAGES[..., 0] if gray else IMAGES
    save(
        tmp_path / "a.mat",
        X=np.ascontiguousarray(np.moveaxis(images, 0, -1)),
        y=CLASSES[:, :1].astype(np.uint8),
    )
    data = loaded(tmp_path / "a.mat")
    assert np.array_equal(everything(data), images.reshape(*images.shape[:3], -1))
    assert np.array_equal(data.classes(np.arange(N)), CLASSES[:, :1])
    assert "12 images of 5×6" in notes_of(data).images[0]


@pytest.mark.parametrize("ending", ["h5", "mat", "npz", "parquet"])
def test_a_damaged_file(tmp_path, ending):
    (tmp_path / f"a.{ending}").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(range(256)) * 4)
    with pytest.raises(UserError, match="cannot be read"):
        loaded(tmp_path / f"a.{ending}")


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def test_parquet_as_hugging_face_writes_it(tmp_path):
    rows = [{"bytes": png(image), "path": f"{n}.png"} for n, image in enumerate(IMAGES)]
    table = pa.table({"image": rows, "label": CLASSES[:, 0].tolist(), "box": [[1, 2]] * N})
    note = b'{"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "Value"}}}}'
    table = table.replace_schema_metadata({b"huggingface": note})
    (tmp_path / "set").mkdir()
    pq.write_table(table.slice(0, 5), tmp_path / "set" / "train-0.parquet")
    pq.write_table(table.slice(5), tmp_path / "set" / "train-1.parquet")
    for path in (tmp_path / "set", tmp_path / "set" / "train-1.parquet"):
        data = loaded(path)
        first = 5 if path.is_file() else 0
        assert np.array_equal(everything(data), IMAGES[first:])
        assert np.array_equal(data.classes(np.arange(len(data)))[:, 0], CLASSES[first:, 0])
        assert "columns box are ignored" in notes_of(data).labels[0]
    bad = pa.table({"image": [*rows[:2], {"bytes": b"x", "path": "2.png"}]})
    pq.write_table(bad, tmp_path / "bad.parquet")
    with pytest.raises(UserError, match=r"bad\.parquet, row 2: is not an image"):
        loaded(tmp_path / "bad.parquet").stored()


def test_what_was_read_correctly_before_keeps_its_fingerprint(tmp_path):
    # a change here makes every stored run on such files train again
    np.save(tmp_path / "a.npy", np.arange(60, dtype=np.uint8).reshape(5, 4, 3))
    np.save(tmp_path / "b.npy", np.arange(60).reshape(5, 4, 3) % 3 == 0)
    assert loaded(tmp_path / "a.npy").fingerprint == FINGERPRINTS[0]
    assert loaded(tmp_path / "a.npy", size=8).fingerprint == FINGERPRINTS[1]
    assert loaded(tmp_path / "b.npy").fingerprint == FINGERPRINTS[2]


FINGERPRINTS = ("4aa7417f2feff73aa818", "fa6fb0763c006eb53613", "c25a50746f1a85b92bdc")


def test_class_folders(tmp_path):
    for number in range(N):
        folder = tmp_path / ["red", "green", "blue"][number % 3] / "deep"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[number]).save(folder / f"{number}.png")
    data = loaded(tmp_path)
    assert dict(data.factors) == {"class": 3}
    names = [name.split("/")[0] for name in data.files]
    order = ["blue", "green", "red"]
    assert data.classes(np.arange(N))[:, 0].tolist() == [order.index(name) for name in names]
    (tmp_path / "apart.png").write_bytes((tmp_path / data.files[0]).read_bytes())
    assert dict(loaded(tmp_path).factors) == {}


@pytest.mark.parametrize(
    ("first", "second", "factors"),
    [
        ("shape={}", "hue={}", {"shape": 2, "hue": 3}),
        ("s{}", "h{}", {"folder_1": 2, "folder_2": 3}),
        ("same", "h{1}", {"class": 3}),
        (["train", "test"], "h{}", {"class": 3}),
    ],
)
def test_nested_class_folders(tmp_path, first, second, factors):
    for number in range(N):
        a, b = number % 2, number % 3
        one = first[a] if isinstance(first, list) else first.format(a)
        folder = tmp_path / one / second.format(b, b)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[number]).save(folder / f"{number}.png")
    data = loaded(tmp_path)
    assert dict(data.factors) == factors
    assert (data.classes(np.arange(N)) != UNKNOWN).all()


@pytest.mark.parametrize("labels", [np.eye(3, dtype=np.float32), np.array([b"a", b"b", b"c"])])
def test_one_hot_labels_and_bytes_are_one_factor(tmp_path, labels):
    classes = np.arange(12) % 3
    images = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4)
    np.savez(tmp_path / "a.npz", images=images, labels=labels[classes])
    data = load("folder", path=str(tmp_path / "a.npz"))
    assert dict(data.factors) == {"labels": 3}
    assert np.array_equal(data.classes(np.arange(12))[:, 0], classes)


def test_names_with_one_text_per_image_are_labels(tmp_path):
    images = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4)
    np.savez(tmp_path / "a.npz", images=images, names=np.array(["a", "b", "c"])[np.arange(12) % 3])
    assert dict(load("folder", path=str(tmp_path / "a.npz")).factors) == {"names": 3}


def test_a_file_without_arrays_is_described(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([np.zeros((4, 4)), np.zeros((2, 2))], object))
    with pytest.raises(UserError, match=r"no array of numbers \(images: objects and structures"):
        load("folder", path=str(tmp_path / "a.npz"))
    scipy.io.savemat(tmp_path / "a.mat", {"data": {"images": np.zeros((5, 4, 4))}})
    with pytest.raises(UserError, match=r"no array of numbers \(data: objects and structures"):
        load("folder", path=str(tmp_path / "a.mat"))
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match="is an archive; unpack it"):
        load("folder", path=str(tmp_path / "a.zip"))


GREY = np.random.default_rng(1).integers(0, 256, (20, 16, 16)).astype(np.uint8)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((64, 48, 3), np.uint8), "looks like a single image"),
        (np.moveaxis(GREY, 0, -1), r"specify shape: \[16, 20\] or \[16, 16\]"),
        (GREY.reshape(20, 1, -1), r"flattened images; set shape: \[16, 16\]"),
        (np.zeros((9, 3, 256), np.uint8), r"flattened images; set shape: \[3, 16, 16\]"),
        (np.zeros((40, 3, 8, 3), np.uint8), "may have its channels first or last"),
        (np.array(5), "is not images"),
        (np.arange(5), "is not images"),
    ],
)
def test_arrays_that_may_be_something_else_are_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=message):
        loaded(tmp_path / "a.npy")


def test_what_counts_the_images_by_shape_by_labels_or_by_the_channels(tmp_path):
    last = np.moveaxis(GREY, 0, -1)
    np.save(tmp_path / "a.npy", last)
    np.savez(tmp_path / "b.npz", images=last, labels=np.arange(20) % 4)
    np.save(tmp_path / "c.npy", np.moveaxis(np.stack([GREY] * 3, -1), 0, -1))
    wanted = GREY[..., None]
    assert np.array_equal(everything(loaded(tmp_path / "a.npy", shape=[16, 16])), wanted)
    assert np.array_equal(everything(loaded(tmp_path / "b.npz")), wanted)
    assert np.array_equal(everything(loaded(tmp_path / "c.npy"))[..., :1], wanted)


def test_labels_of_other_images_are_not_taken(tmp_path):
    """Two splits of one size: the labels next to the images, or named like them."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for split, labels in (("train", CLASSES[:, 0]), ("test", CLASSES[:, 1])):
            file[f"{split}/images"], file[f"{split}/labels"] = IMAGES, labels
    data = loaded(tmp_path / "a.h5", images_key="test/images")
    assert np.array_equal(data.classes(range(N))[:, 0], CLASSES[:, 1])
    assert "the arrays train/labels are ignored" in notes_of(data).labels
    arrays = {"y_train": CLASSES[:, 0], "y_test": CLASSES[:, 1]}
    np.savez(tmp_path / "b.npz", x_train=IMAGES, x_test=IMAGES, **arrays)
    data = loaded(tmp_path / "b.npz", images_key="x_test")
    assert [*data.factors] == ["y_test"]


def test_labels_that_are_objects_or_structures_are_said(tmp_path):
    kinds = np.dtype([("hue", "i4"), ("place", "i4")])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"], file["labels"] = IMAGES, np.array([tuple(c) for c in CLASSES], kinds)
    texts = np.array(["red", "blue"] * 6, object)
    np.savez(tmp_path / "b.npz", images=IMAGES, labels=texts, metadata=np.array({}))
    for name in ("a.h5", "b.npz"):
        said = "labels: objects and structures are never loaded; save labels as numbers or strings"
        assert said in notes_of(loaded(tmp_path / name)).labels


def test_faces_as_matlab_users_share_them(tmp_path):
    arrays = {"fea": GREY.reshape(20, -1), "gnd": np.arange(20)[:, None] % 5}
    scipy.io.savemat(tmp_path / "a.mat", arrays)
    data = loaded(tmp_path / "a.mat", shape=[16, 16])
    assert (len(data), dict(data.factors)) == (20, {"gnd": 5})


def test_parquet_without_images_in_it(tmp_path):
    pq.write_table(pa.table({"image": [[1, 2], [3, 4]]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="no column among image contains image files"):
        loaded(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"images_key: image of .* contains list"):
        loaded(tmp_path / "a.parquet", images_key="image")
    pq.write_table(pa.table({"image": [{"bytes": None, "path": "1.png"}]}), tmp_path / "b.parquet")
    with pytest.raises(UserError, match="only its path is stored, not the image"):
        loaded(tmp_path / "b.parquet")
