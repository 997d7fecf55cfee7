"""Columns of labels as people have them: numbers for "no value", whole numbers of quantities."""

import numpy as np
import pytest

from trainer.data import load, notes_of, quantities_of
from trainer.data.dataset import UNKNOWN
from trainer.data.labels.factors import read_columns
from trainer.errors import UserError

AGES = [20, 35, 50, 35, 20, 50] * 4
FRACTIONS = [round(0.25 * n, 2) for n in range(24)]


def read(values, name="age", **options):
    found = read_columns({name: np.array(values)}, len(values), **options)
    return found, " ".join(found.remarks)


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([*AGES, -999, -999], "-999 (2)"),
        ([*AGES, 9999], "9999 (1)"),
        ([*AGES, -99, 999], "-99 (1), 999 (1)"),
        ([*FRACTIONS, -1.0, -1.0], "-1 (2)"),
    ],
)
def test_numbers_that_stand_for_no_value_are_unknown_and_reported(values, said, as_text):
    found, remarks = read([str(v) for v in values] if as_text else values)
    absent = [v in (-999, 9999, -99, 999, -1) for v in values]
    assert [c == UNKNOWN for c in found.classes[:, 0].tolist()] == absent
    assert f"age: read as unknown: {said}; `missing: []` takes it as a value" in remarks


@pytest.mark.parametrize(
    "values",
    [
        [90, 95, 99] * 4,  # among its like
        [1990, 1999, 2005] * 4,
        [0, 99] * 6,  # two values are two classes
        ["-1", "0", "1"] * 4,
        [-1.5, -1.0, 0.5, 2.25] * 3,
    ],
)
def test_numbers_within_the_range_of_the_others_are_values(values):
    found, remarks = read(values)
    assert (found.classes != UNKNOWN).all() and "unknown" not in remarks


def test_what_the_user_says_is_used():
    found, remarks = read([*AGES, -999], missing=())
    assert found.sizes == {"age": 4} and remarks == ""
    found, remarks = read([*AGES, -7], missing=(-7.0,))
    assert found.sizes == {"age": 3} and remarks == "age: read as unknown: -7 (1)"
    found, remarks = read(["red", "blue", "red", "blue", "tbd", "-7"] * 4, missing=("tbd", -7.0))
    assert found.sizes == {"age": 2} and "tbd (4)" in remarks


def test_very_many_whole_numbers_are_a_quantity_unless_they_are_names():
    angles = np.arange(240).repeat(20)
    found, remarks = read(angles, "angle")
    assert found.sizes == {"angle": 10}
    assert remarks == "angle: 240 different values, cut at their quantiles into 10 classes (`bins`)"
    assert np.array_equal(found.values["angle"], angles)
    for name in ("identity", "person_id", "personId", "class", "y"):
        assert read(angles, name)[0].sizes == {name: 240}
    assert read(angles, "angle", bins={"angle": 240})[0].sizes == {"angle": 240}
    assert read(np.arange(72).repeat(20), "angle")[0].sizes == {"angle": 72}


def test_tables_and_arrays_take_the_option(tmp_path):
    images = np.arange(24 * 16, dtype=np.uint8).reshape(24, 4, 4)
    sizes = np.where(np.arange(24) < 4, -8.0, FRACTIONS)
    np.savez(tmp_path / "a.npz", images=images, size=sizes)
    data = load("folder", path=str(tmp_path / "a.npz"), missing=[-8])
    assert np.isnan(quantities_of(data)["size"]).sum() == 4
    assert "size: read as unknown: -8 (4)" in notes_of(data).labels
    table = tmp_path / "l.csv"
    table.write_text("index,age\n" + "".join(f"{i},{a}\n" for i, a in enumerate(AGES)))
    for missing, known in (([20], 16), (None, 24)):
        found = load("folder", path=str(tmp_path / "a.npz"), labels=str(table), missing=missing)
        assert (found.classes(range(24)) != UNKNOWN).sum() == known
    with pytest.raises(UserError, match="missing"):
        load("folder", path=str(tmp_path / "a.npz"), missing=-8)
