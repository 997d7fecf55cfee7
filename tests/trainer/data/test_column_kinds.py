"""Columns of labels as people have them: numbers for "no value", whole numbers of quantities."""

import numpy as np
import pytest

from trainer.data import load, notes_of, quantities_of
from trainer.data.dataset import UNKNOWN, numbers_of
from trainer.data.labels.factors import read_columns
from trainer.data.labels.numbers import as_numbers
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
    assert f"age: read as unknown: {said}; `missing: []` keeps it as a value" in remarks


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
    images = np.arange(24 * 4, dtype=np.uint8).reshape(24, 2, 2)
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


def odd(first, rest="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"):
    return [first, first, *rest.split()]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1,5", "2,25", "-3"], [1.5, 2.25, -3]),
        (["1,535.5", "432", "12,000"], [1535.5, 432, 12000]),
        (["1.535,5", "432", "12.000"], [1535.5, 432, 12000]),
        (["1,535,000", "432"], [1535000, 432]),
        (["1 535", "2\u202f851".replace("\u202f", " ")], [1535, 2851]),
        (["1\u202f535", "432"], [1535, 432]),
        (["1'535", "432"], [1535, 432]),
        (["\u22121.5", "2"], [-1.5, 2]),
        (["1,535", "432"], None),  # 1535, or 1.535
        (["1,535.5", "2.851,5"], None),
        (["10000000000000000000", "10000000000000000001"], None),  # equal as floats
        (["1e20", "2"], [1e20, 2]),
        (["12%", "3"], None),
    ],
)
def test_numbers_are_read_in_the_only_way_they_can_be(texts, numbers):
    found = as_numbers(np.array(texts))
    assert (found is None) if numbers is None else (found.tolist() == numbers)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"{n + 1},535" for n in range(20)], "'1,535' can be read in two ways"),
        (odd("tbd"), "2 of 22 labels are not numbers, such as 'tbd' (`missing: [tbd]` reads it"),
        ([f"{n} mm" for n in range(20)], "20 different values"),
    ],
)
def test_the_reason_names_the_cells_that_are_no_numbers(values, why):
    found, _ = read([*values, "", ""])
    assert why in found.left_out["age"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["0", "1", "2", "tbd"] * 4, "read as classes: 4 of 16 labels are not numbers"),
        (
            ["1.535", "2.851", "432"] * 4,
            "1.535 is read with a decimal point, not a thousands separator",
        ),
        (["-1", "0", "1", "2"] * 4, "-1 is read as a value; `missing: [-1]` reads it as unknown"),
        ([-1.0, 0.0, 1.0, 2.0] * 4, "-1 is read as a value"),
    ],
)
def test_what_may_mean_something_else_is_said(values, said):
    assert said in read(values)[1]


@pytest.mark.parametrize("values", [[-9, 0, 1, 2] * 4, ["-99", "0.5", "120.25", "77"] * 4])
def test_negative_nines_among_positive_values_are_unknown(values):
    found, remarks = read(values)
    assert [c == UNKNOWN for c in found.classes[:4, 0]] == [True, False, False, False]
    assert "read as unknown: -9" in remarks


@pytest.mark.parametrize(
    "values",
    [["é", "e\u0301", "b"] * 4, ["0.30000000000000004", "0.3", "0.6"] * 4],
)
def test_one_value_in_two_spellings_is_one_class(values):
    assert read(values)[0].sizes == {"age": 2}


@pytest.mark.parametrize(
    "word", ["—", "n.a.", "#DIV/0!", "\\N", "*", "..", "NaT", "No data", "(blank)", "#VALUE!"]
)
def test_words_for_no_value(word):
    found, remarks = read(["a", "b", word] * 4)
    assert found.sizes == {"age": 2} and f"{word!r} (4)" in remarks


@pytest.mark.parametrize("name", ["id", "ids", "person_id", "imageId", "Nr"])
def test_numbers_of_rows_are_no_factor(name):
    found, _ = read([3, 1, 2, 0, 4], name=name)
    assert "a different number for each image" in found.left_out[name]


def test_a_factor_that_repeats_another_is_said():
    hue = np.array(["red", "blue", "red", "blue", "red", ""] * 4)
    twin = np.array(["7", "3", "7", "3", "7", ""] * 4)
    other = np.array(["7", "3", "7", "3", "3", ""] * 4)
    found = read_columns({"hue": hue, "twin": twin, "other": other}, 24)
    (said,) = found.remarks
    assert said.startswith("twin carries the same information as hue: no code can tell them apart")


@pytest.mark.parametrize("rows", [60, 600])
def test_a_factor_that_all_but_repeats_another_is_said(rows):
    rng = np.random.default_rng(0)
    digit = rng.integers(5, size=rows)
    columns = {
        "digit": digit,
        "again": np.where(np.arange(rows) % 20 == 0, (digit + 1) % 5, digit),
        "noise": rng.integers(5, size=rows),
        "rare": np.arange(rows) % 15 == 0,  # both rarely 1: equal in 87 % of the rows, by chance
        "other": np.arange(rows) % 15 == 7,
    }
    (said,) = read_columns(columns, rows).remarks
    assert said.startswith("again all but repeats digit (9") and "(`factors`)" in said


def test_factors_that_follow_from_another_are_said_in_one_remark():
    rng = np.random.default_rng(0)
    person, scene = np.arange(200) % 20, rng.integers(4, size=200)
    traits = {f"trait{i}": person // 2**i % 2 for i in range(5)}
    (said,) = read_columns({"trait": person % 3, "person": person, "scene": scene}, 200).remarks
    assert said.startswith("trait follows from person: metrics assume that factors vary independ")
    found = read_columns({"person": person, "scene": scene} | traits, 200).remarks
    assert [said.partition(":")[0] for said in found] == [
        "trait0, trait1, trait2 and 2 more follow from person"
    ]


def test_columns_in_one_hot_form_are_said_to_be_one_factor():
    rng = np.random.default_rng(0)
    colour, size = rng.integers(3, size=60), rng.integers(4, size=60)
    columns = {name: (colour == i).astype(int) for i, name in enumerate(("red", "green", "blue"))}
    (said,) = read_columns({"size": size} | columns, 60).remarks
    assert said.startswith("red, green and blue are one factor in one-hot form")
    columns["blue"] = np.where(np.arange(60) == 7, 1, columns["blue"])  # two at once, or more often
    assert not read_columns({"size": size} | columns, 60).remarks
    rare = {name: np.arange(60) == i for i, name in enumerate(("hat", "beard", "scar"))}
    common = {"smile": np.arange(60) > 2}
    assert not [s for s in read_columns(common | rare, 60).remarks if "one-hot" in s]


def test_quantities_are_predicted_as_numbers_where_classes_would_be_too_few_images(tmp_path):
    rng = np.random.default_rng(0)
    angle = rng.integers(20, size=300) * 5
    columns = {
        "digit": rng.integers(10, size=300),
        "angle": angle,
        "person_id": angle + 1,
        "name": np.array([f"p{i}" for i in angle]),
        "weight": rng.normal(size=300),
    }
    np.savez(tmp_path / "few.npz", images=rng.integers(255, size=(300, 16, 16)), **columns)
    data = load("folder", path=str(tmp_path / "few.npz"))
    assert numbers_of(data) == ("angle", "weight")
    assert numbers_of(load("folder", path=str(tmp_path / "few.npz"), factors=["weight"])) == (
        "weight",
    )
    columns = {name: np.tile(values, 10) for name, values in columns.items()}
    columns["weight"] = rng.normal(size=3000)
    np.savez(tmp_path / "many.npz", images=rng.integers(255, size=(3000, 8, 8)), **columns)
    many = load("folder", path=str(tmp_path / "many.npz"))
    assert numbers_of(many) == ("weight",)
    assert numbers_of(load("folder", path=str(tmp_path / "many.npz"), labels=100)) == (
        "angle",
        "weight",
    )


def test_positions_of_few_sprites_are_predicted_as_numbers():
    factors = {"shape": [1], "scale": 3, "orientation": 8, "posX": 16, "posY": 16}
    assert numbers_of(load("dsprites", size=16, factors=factors)) == ()
    few = load("dsprites", size=16, factors=factors, labels=100)
    assert numbers_of(few) == ("scale", "posX", "posY")
