"""Weak labels: none, some, or those of a table."""

import numpy as np
import pytest
from PIL import Image

from trainer.data import UNKNOWN, load
from trainer.errors import UserError

OPTIONS = {"factors": {"shape": 3, "scale": 2, "orientation": 2, "posX": 2, "posY": 2}}  # 48 images


def dsprites(labels="all"):
    return load("dsprites", **OPTIONS, labels=labels)


def known(data):
    return data.classes(np.arange(len(data)))


def test_none():
    data = dsprites("none")
    assert data.factors == {} and data.labels_fingerprint == ""
    assert known(data).shape == (48, 0)
    assert data.fingerprint == dsprites().fingerprint
    assert np.array_equal(data.images([3, 4]), dsprites().images([3, 4]))
    assert np.array_equal(data.stored(), dsprites().stored())


def test_a_number_of_images_keep_their_labels():
    data = dsprites(10)
    labelled = (known(data) != UNKNOWN).all(axis=1)
    assert labelled.sum() == 10 and (known(data)[~labelled] == UNKNOWN).all()
    assert np.array_equal(known(data)[labelled], known(dsprites())[labelled])
    assert np.array_equal(known(data), known(dsprites(10)))
    assert data.factors == dsprites().factors
    prints = {dsprites(labels).labels_fingerprint for labels in ("all", 10, 11, "none")}
    assert len(prints) == 4


@pytest.mark.parametrize("count", [0, 49, -1, True])
def test_a_number_that_does_not_fit(count):
    with pytest.raises(UserError, match="labels: expected"):
        dsprites(count)


def test_a_number_for_a_data_set_without_labels(tmp_path):
    np.save(tmp_path / "a.npy", np.full((3, 4, 4), 9, np.uint8))
    with pytest.raises(UserError, match="labels: folder has no labels"):
        load("folder", path=str(tmp_path / "a.npy"), labels=2)


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "labels.csv"
        path.write_text(text)
        return str(path)

    return write


def test_a_table_of_own_and_new_factors(table):
    data = dsprites(table("index,shape,mood,weight\n0,2,sad,10\n7,,glad,9\n3,0,,\n"))
    assert dict(data.factors) == {"shape": 3, "mood": 2, "weight": 2}
    assert data.classes([0, 7, 3, 1]).tolist() == [
        [2, 1, 1],
        [-1, 0, 0],
        [0, -1, -1],
        [-1, -1, -1],
    ]
    assert data.classes([0]).dtype == np.int64
    assert data.fingerprint == dsprites().fingerprint


def test_a_row_that_is_repeated_counts_once(table):
    data = dsprites(table("index,shape,mood\n0,2,sad\n7,1,glad\n7,1,glad\n3,0,sad\n"))
    assert data.classes([0, 7, 3]).tolist() == [[2, 1], [1, 0], [0, 1]]


def test_labels_fingerprint_is_of_the_labels_and_not_of_the_file(table):
    first = dsprites(table("index,shape\n0,2\n1,1\n")).labels_fingerprint
    assert dsprites(table("shape , index\n 1,1\n\n2 ,0\n")).labels_fingerprint == first
    assert dsprites(table("index,shape\n0,2\n1,0\n")).labels_fingerprint != first
    assert dsprites(table("index,form\n0,2\n1,1\n")).labels_fingerprint != first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("shape\n1\n", "no column index among shape"),
        ("index\n1\n", "no label columns"),
        ("index,shape,shape\n1,1,1\n", "line 1: every column needs its own name"),
        ("index,shape\n0,1\n1,2,3\n", "line 3: 3 cells under 2 columns"),
        ("index,shape\n0,1\nx,2\n", "line 3, column index: expected an integer, got 'x'"),
        ("index,shape\n0,1\n1.5,2\n", "line 3, column index: expected an integer, got '1.5'"),
        (
            "index,shape\n0,1\n99999999999999999999,2\n",
            "line 3, column index: expected an integer",
        ),
        ("index,shape\n0,1\n,2\n", "line 3, column index: expected 0 to 47, got "),
        ("index,shape\n0,1\n48,2\n", "line 3, column index: expected 0 to 47, got 48"),
        ("index,shape\n0,1\n1,1\n0,2\n", "line 4, column index: 0 already has a row"),
        ("index,shape\n0,1\n1,3\n", "line 3, column shape: expected a class from 0 to 2"),
        ("index,shape\n0,heart\n", "line 2, column shape: expected an integer, got 'heart'"),
        ("index,mood\n0,\n", "column mood: it has no labels"),
        (
            "index,weight\n0,1\n3,inf\n",
            "no column can be a factor; column weight: it contains infinity",
        ),
        ('index,mood\n0,"sad\n', "is not a CSV table"),
    ],
)
def test_tables_that_do_not_fit(table, text, message):
    path = table(text)
    with pytest.raises(UserError, match=message) as caught:
        dsprites(path)
    assert path in str(caught.value) and "\n" not in str(caught.value)


def test_a_table_that_is_not_text_or_is_missing(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match="is not UTF-8 text"):
        dsprites(str(tmp_path / "labels.csv"))
    with pytest.raises(
        UserError, match=r"labels: expected all, none, a number .* no file 'al' exists"
    ):
        dsprites("al")


def test_a_table_in_npz(tmp_path):
    path = str(tmp_path / "labels.npz")
    np.savez(
        path,
        index=[5, 0, 9],
        shape=[1, -1, 2],
        weight=[0.5, np.nan, 0.25],
        mood=["", "sad", "glad"],
    )
    data = dsprites(path)
    assert dict(data.factors) == {"shape": 3, "weight": 2, "mood": 2}
    assert data.classes([5, 0, 9]).tolist() == [[1, 1, -1], [-1, -1, 1], [2, 0, 0]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"index": [0, 1], "shape": [0]}, "of the same length"),
        ({"index": [0, 1], "shape": [0, 5]}, "row 1, column shape: expected a class from 0 to 2"),
        ({"index": [0.0, 0.5], "shape": [0, 1]}, "row 1, column index: expected an integer"),
        ({"index": [0], "shape": np.array([{}])}, "cannot be read"),
        ({"index": [0], "shape": [1j]}, "array shape contains complex128"),
        ({}, "no column index"),
    ],
)
def test_npz_tables_that_do_not_fit(tmp_path, arrays, message):
    path = tmp_path / "labels.npz"
    np.savez(path, **arrays)
    with pytest.raises(UserError, match=message):
        dsprites(str(path))


def test_labels_by_file_name(tmp_path, table):
    for name in ("anna.png", "bob.png", "carl.png"):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / name)
    data = load("folder", path=str(tmp_path), labels=table("file,age\ncarl.png,30\nanna.png,9\n"))
    assert dict(data.factors) == {"age": 2}
    assert known(data).tolist() == [[0], [-1], [1]]
    with pytest.raises(UserError, match=r"line 2, column file: no image 'ana.png'.*'anna.png'"):
        load("folder", path=str(tmp_path), labels=table("file,age\nana.png,30\n"))
