"""Label tables as people keep them: how cells are parted, which image a row is of, what counts."""

import json
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from trainer.data import UNKNOWN, load, notes_of, quantities_of
from trainer.errors import UserError

N = 12
NAMES = [f"im_{n:02d}.png" for n in range(N)]
HUES, PLACES = np.arange(N) % 3, np.arange(N) // 4
ROWS = [[name, str(h), str(p)] for name, h, p in zip(NAMES, HUES, PLACES, strict=True)]
HEAD = ["file", "hue", "place"]
WANTED = np.stack([HUES, PLACES], axis=1)


@pytest.fixture
def folder(tmp_path):
    return images_in(tmp_path / "images", NAMES)


def images_in(folder, names):
    """A file for each name, its brightness its place in `names`."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), number % 256, np.uint8)).save(path)
    return folder


def text(rows, delimiter=",", end="\n"):
    return "".join(delimiter.join(row) + end for row in rows)


def labelled(folder, content, name="labels.csv", **options):
    path = folder.parent / name
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
    return load("folder", path=str(folder), labels=str(path), **options)


def known(data):
    return data.classes(np.arange(len(data)))


@pytest.mark.parametrize(
    "content",
    [
        text([HEAD, *ROWS]),
        text([HEAD, *ROWS], ";"),
        text([HEAD, *ROWS], "\t"),
        text([HEAD, *ROWS], "|"),
        text([HEAD, *ROWS], end="\r\n"),
        text([HEAD, *ROWS], end=",\n"),  # a delimiter at the end of every line
        text([HEAD[1:], *ROWS]),  # as R writes it
        "\ufeff" + text([HEAD, *ROWS]),
        text([HEAD, *ROWS], "\t").encode("utf-16"),  # "Unicode text" of Excel
        text([["", *HEAD], *([str(n), *row] for n, row in enumerate(ROWS))]),  # as pandas writes it
        text([["", *HEAD[1:]], *ROWS]),
        text([["index", *HEAD], *([str(n), *row] for n, row in enumerate(reversed(ROWS)))]),
        text([["id", *HEAD], *([str(7 * n), *row] for n, row in enumerate(ROWS))]),
        text([["Name of it", *HEAD[1:]], *ROWS]),  # told by what it holds
        text([["hue", "file", "place"], *([row[1], row[0], row[2]] for row in ROWS)]),
        text([HEAD, *ROWS, ["gone.png", "1", "1"]]),
    ],
)
def test_tables(folder, content):
    data = labelled(folder, content)
    assert dict(data.factors) == {"hue": 3, "place": 3}
    assert np.array_equal(known(data), WANTED)


@pytest.mark.parametrize(
    "header",
    [
        "filename",
        "File_Name",
        "image",
        "image_id",
        "path",
        "img",
        "name",
        "id",
        "Filepath",
        "photo",
    ],
)
def test_headers_of_the_files(folder, header):
    assert np.array_equal(known(labelled(folder, text([[header, *HEAD[1:]], *ROWS]))), WANTED)


@pytest.mark.parametrize(
    "form",
    [
        "./{}".format,
        "images/{}".format,
        ".\\images\\{}".format,
        "C:\\my\\images\\{}".format,
        "/somewhere/else/{}".format,
        lambda name: name[:-4],
        lambda name: name[:-4] + ".JPG",
        str.upper,
    ],
)
def test_names_of_the_files(folder, form):
    rows = [[form(name), *rest] for name, *rest in ROWS]
    assert np.array_equal(known(labelled(folder, text([HEAD, *rows]))), WANTED)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_either_form_of_unicode(tmp_path, form):
    names = ["é.png", "ü.png", "ñ.png", "å.png"]
    other = "NFD" if form == "NFC" else "NFC"
    folder = images_in(tmp_path / "images", [unicodedata.normalize(form, name) for name in names])
    rows = [[unicodedata.normalize(other, name), str(n % 2)] for n, name in enumerate(names)]
    data = labelled(folder, text([["file", "level"], *rows]))
    brightness = data.images(range(4))[:, 0, 0, 0]
    assert np.array_equal(known(data)[:, 0], brightness % 2)


def test_names_below_folders(tmp_path):
    names = ["a/0.png", "a/1.png", "b/0.png", "b/1.png", "c/2.png"]
    folder = images_in(tmp_path / "images", names)
    rows = [[f"/data/x/{name}", str(n % 3)] for n, name in enumerate(names[:4])]
    data = labelled(folder, text([["file", "x"], *rows, ["2.png", "1"], ["d/0.png", "9"]]))
    assert known(data)[:, 0].tolist() == [0, 1, 2, 0, 1]
    assert "1 row names an image that does not exist, such as 'd/0.png'" in notes_of(data).labels[0]
    with pytest.raises(UserError, match=r"line 2, column file: '0.png' matches several images"):
        labelled(folder, "file,x\n0.png,1\n2.png,2\n")


@pytest.mark.parametrize("value", [str, lambda text: str(int(text))])
def test_names_that_are_numbers(tmp_path, value):
    folder = images_in(tmp_path / "images", [f"{n:04d}.jpg" for n in range(1, 5)])
    rows = [[value(f"{n:04d}"), str(n % 2)] for n in (4, 3, 2, 1)]
    data = labelled(folder, text([["image_id", "odd"], *rows]))
    assert known(data)[:, 0].tolist() == [1, 0, 1, 0]


def test_rows_of_absent_images_are_counted(folder):
    rows = [*ROWS, *([f"gone_{n}.png", "0", "0"] for n in range(3))]
    data = labelled(folder, text([HEAD, *rows]))
    assert np.array_equal(known(data), WANTED)
    assert "3 rows name images that do not exist, such as 'gone_0.png'" in notes_of(data).labels[0]


def test_a_table_of_other_files_is_refused(folder):
    with pytest.raises(UserError, match=r"line 2, column file: no image 'x.png'; the first is"):
        labelled(folder, "file,hue\nx.png,1\ny.png,2\n")
    near = r"line 2, column file: no image 'im_0.png'; did you mean 'im_\d0.png'"
    with pytest.raises(UserError, match=near):
        labelled(folder, "file,hue\nim_0.png,1\n")


def test_index_counts_files_in_natural_order(tmp_path):
    folder = images_in(tmp_path / "images", [f"img_{n}.png" for n in range(1, 13)])
    rows = [[str(n), str(n)] for n in range(12)]
    data = labelled(folder, text([["index", "level"], *rows]))
    brightness = data.images(range(12))[:, 0, 0, 0]
    assert np.array_equal(known(data)[:, 0], brightness)
    assert "0 is img_1.png, 11 is img_12.png" in notes_of(data).labels[0]


@pytest.mark.parametrize("header", ["index", ""])
def test_rows_by_number_for_arrays(tmp_path, header):
    np.save(tmp_path / "a.npy", np.arange(N * 16, dtype=np.uint8).reshape(N, 4, 4))
    (tmp_path / "l.csv").write_text(
        text([[header, "hue"], *([str(n), r[1]] for n, r in enumerate(ROWS))])
    )
    data = load("folder", path=str(tmp_path / "a.npy"), labels=str(tmp_path / "l.csv"))
    assert np.array_equal(known(data)[:, 0], HUES)


WORDS = ["NA", "?", "None", "nan", "NaN", "null", "-", "", "n/a", "NULL", "<NA>", "--"]


@pytest.mark.parametrize("word", WORDS)
def test_markers_of_missing_values(folder, word):
    rows = [[name, word if n == 3 else hue, place] for n, (name, hue, place) in enumerate(ROWS)]
    data = labelled(folder, text([HEAD, *rows]))
    assert dict(data.factors) == {"hue": 3, "place": 3}
    assert known(data)[3].tolist() == [UNKNOWN, PLACES[3]]
    assert np.array_equal(np.delete(known(data), 3, axis=0), np.delete(WANTED, 3, axis=0))
    remarks = notes_of(data).labels
    assert remarks == ((f"hue: read as unknown: {word!r} (1)",) if word else ())


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"seen on day {n}" for n in range(N)], "12 different values"),
        ([""] * N, "has no labels"),
        (["same"] * N, "'same', and a factor must vary"),
        (["", *["7"] * (N - 1)], "all 11 labels are '7'"),
        (["inf", *map(str, range(N - 1))], "infinity"),
        ([*map(str, range(N))], "its 12 classes rarely repeat among 12 labelled images"),
        (
            ["odd", *["even"] * (N - 1)],
            "its 2 classes rarely repeat among 12 labelled images (11, 1)",
        ),
    ],
)
def test_columns_that_cannot_be_factors_are_left_out_by_name(folder, values, why):
    rows = [[*row, value] for row, value in zip(ROWS, values, strict=True)]
    data = labelled(folder, text([[*HEAD, "extra"], *rows]))
    assert dict(data.factors) == {"hue": 3, "place": 3}
    assert np.array_equal(known(data), WANTED)
    assert why in notes_of(data).left_out["extra"]
    assert any(said.startswith("extra is left out: ") for said in notes_of(data).labels)
    with pytest.raises(UserError, match="factors: 'extra' cannot be a factor"):
        labelled(folder, text([[*HEAD, "extra"], *rows]), factors=["hue", "extra"])


ANGLES = np.random.default_rng(0).permutation(N) * 30.5


@pytest.mark.parametrize(("bins", "classes"), [(10, 6), (4, 4), ({"angle": 3}, 3)])
def test_continuous_columns_are_cut_at_their_quantiles(folder, bins, classes):
    rows = [[*row, f"{angle}"] for row, angle in zip(ROWS, ANGLES, strict=True)]
    data = labelled(folder, text([[*HEAD, "angle"], *rows]), bins=bins)
    assert dict(data.factors) == {"hue": 3, "place": 3, "angle": classes}
    cut = known(data)[:, 2][np.argsort(ANGLES)]
    assert cut.tolist() == sorted(np.arange(N) * classes // N)
    assert f"angle: 12 different values, cut at their quantiles into {classes} classes" in str(
        notes_of(data).labels
    )


def test_a_decimal_comma(folder):
    rows = [[*row, f"{angle}".replace(".", ",")] for row, angle in zip(ROWS, ANGLES, strict=True)]
    data = labelled(folder, text([[*HEAD, "angle"], *rows], ";"), bins=4)
    assert data.factors["angle"] == 4


def test_few_numbers_stay_classes(folder):
    rows = [[*row, str(0.5 * (n % 4)), str(3 * (n % 6))] for n, row in enumerate(ROWS)]
    data = labelled(folder, text([[*HEAD, "scale", "x"], *rows]))
    assert data.factors["scale"] == 4 and data.factors["x"] == 6
    alone = labelled(folder, text([["file", "n"], *([r[0], str(n)] for n, r in enumerate(ROWS))]))
    assert dict(alone.factors) == {"n": N}


@pytest.mark.parametrize("bins", [1, {"angle": 0}])
def test_invalid_bins(folder, bins):
    with pytest.raises(UserError, match=r"bins.*expected 2 or more"):
        labelled(folder, text([HEAD, *ROWS]), bins=bins)


def test_plus_and_minus_one_are_two_classes(folder, tmp_path):
    signs = np.where(HUES > 0, 1, -1)
    rows = [[name, str(sign)] for name, sign in zip(NAMES, signs, strict=True)]
    np.savez(tmp_path / "l.npz", index=np.arange(N), big=signs)
    for data in (
        labelled(folder, text([["file", "big"], *rows])),
        load("folder", path=str(folder), labels=str(tmp_path / "l.npz")),
    ):
        assert dict(data.factors) == {"big": 2}
        assert np.array_equal(known(data)[:, 0], signs > 0)


def test_minus_one_among_classes_is_unknown_in_arrays(folder, tmp_path):
    np.savez(tmp_path / "l.npz", index=np.arange(N), hue=np.where(PLACES == 2, -1, HUES))
    data = load("folder", path=str(folder), labels=str(tmp_path / "l.npz"))
    assert np.array_equal(known(data)[:, 0], np.where(PLACES == 2, UNKNOWN, HUES))
    assert "hue: -1 is read as unknown" in notes_of(data).labels


def test_an_array_of_one_row_per_image(folder, tmp_path):
    np.save(tmp_path / "l.npy", WANTED)
    labels = str(tmp_path / "l.npy")
    data = load("folder", path=str(folder), labels=labels, factors=["hue", "place"])
    assert dict(data.factors) == {"hue": 3, "place": 3} and np.array_equal(known(data), WANTED)
    np.save(tmp_path / "l.npy", WANTED[:-2])
    with pytest.raises(UserError, match="labels for 10 images, but there are 12"):
        load("folder", path=str(folder), labels=labels)


def test_json_lines_and_parquet(folder, tmp_path):
    records = [{"file_name": r[0], "hue": int(r[1]), "place": int(r[2])} for r in ROWS]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    assert np.array_equal(known(labelled(folder, lines, "metadata.jsonl")), WANTED)
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "l.parquet")
    data = load("folder", path=str(folder), labels=str(tmp_path / "l.parquet"))
    assert np.array_equal(known(data), WANTED)
    with pytest.raises(UserError, match=r"metadata\.jsonl, line 1: is not a JSON object"):
        labelled(folder, "[1]\n", "metadata.jsonl")
    with pytest.raises(UserError, match="save it as CSV"):
        labelled(folder, "PK", "labels.xlsx")


def test_factors_are_chosen_for_every_source_of_labels(folder):
    table = text([HEAD, *ROWS])
    assert list(labelled(folder, table, factors=["place"]).factors) == ["place"]
    chosen = labelled(folder, table, factors=["place", "hue"])
    assert np.array_equal(known(chosen), WANTED[:, ::-1])
    small = {"shape": [0], "scale": 2, "orientation": 2, "posX": 2, "posY": 2}
    whole = load("dsprites", factors=small)
    part = load("dsprites", factors=["scale", "posX"])
    assert list(part.factors) == ["scale", "posX"] and list(whole.factors) == list(small)
    with pytest.raises(UserError, match="factors: unknown factor 'plaec'; did you mean 'place'"):
        labelled(folder, table, factors=["plaec"])
    for wrong in ([], ["hue", "hue"]):
        with pytest.raises(UserError, match="factors: expected different factors"):
            labelled(folder, table, factors=wrong)


def test_a_list_of_known_names_is_short(tmp_path):
    folder = images_in(tmp_path / "images", [f"{n:03d}q.png" for n in range(300)])
    with pytest.raises(UserError) as caught:
        labelled(folder, "file,hue\nzzz.png,1\n")
    assert len(str(caught.value)) < 300


def spaced(rows, head):
    return f"{N}\n{head} \n" + "".join(f"{name}  {h:2d} {p:2d}\n" for name, h, p in rows)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (spaced(zip(NAMES, HUES, PLACES, strict=True), "hue place"), "list_attr.txt"),
        (text([HEAD, *ROWS], " "), "labels.txt"),
        ("# by hand\n\n" + text([HEAD, *ROWS]), "labels.csv"),
        ("#" + text([HEAD, *ROWS]), "labels.csv"),
        ("sep=;\n" + text([HEAD, *ROWS], ";"), "labels.csv"),
        (json.dumps([dict(zip(HEAD, row, strict=True)) for row in ROWS]), "labels.json"),
        (json.dumps({n: {"hue": h, "place": p} for n, h, p in ROWS}), "labels.json"),
    ],
)
def test_more_kinds_of_tables(folder, content, name):
    data = labelled(folder, content, name)
    assert list(data.factors) == ["hue", "place"]
    assert np.array_equal(known(data), WANTED)


@pytest.mark.parametrize("delimiter", [",", " "])
def test_a_table_without_a_header_loses_no_row(folder, delimiter):
    data = labelled(folder, text(ROWS, delimiter))
    assert dict(data.factors) == {"column_2": 3, "column_3": 3}
    assert np.array_equal(known(data), WANTED)
    assert any("has no header line" in said for said in notes_of(data).labels)


def test_rows_that_repeat_another_count_once(folder):
    data = labelled(folder, text([HEAD, *ROWS, ROWS[3]]))
    assert np.array_equal(known(data), WANTED)
    assert any("1 row repeats another" in said for said in notes_of(data).labels)
    with pytest.raises(UserError, match=r"line 14, .* im_03\.png already has a row, with other"):
        labelled(folder, text([HEAD, *ROWS, [NAMES[3], "2", "0"]]))


def test_an_index_that_counts_from_1(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, np.arange(N * 16, dtype=np.uint8).reshape(N, 4, 4))

    def read(rows):
        table = tmp_path / "labels.csv"
        table.write_text("index,hue\n" + "".join(f"{n},{n % 3}\n" for n in rows))
        return load("folder", path=str(path), labels=str(table))

    data = read(range(1, N + 1))
    assert known(data)[:, 0].tolist() == [(n + 1) % 3 for n in range(N)]
    assert any("index counts the images from 1" in said for said in notes_of(data).labels)
    with pytest.raises(UserError, match="it runs from 1 to 8 without 0, the first image"):
        read(range(1, 9))
    with pytest.raises(UserError, match="got 12; if it counts from 1, subtract 1"):
        read([1, 2, 5, 7, 12])
    assert known(read([1, 2, 5, 7]))[[1, 5], 0].tolist() == [0, 1]


@pytest.mark.parametrize("header", ["person_id", "personId", "nr", "sample number"])
def test_a_different_number_for_each_image_is_no_factor(folder, header):
    rows = [[name, str(9000 + 17 * n), str(h)] for n, (name, h, _) in enumerate(ROWS)]
    data = labelled(folder, text([["file", header, "hue"], *rows]))
    assert list(data.factors) == ["hue"]
    assert any(said.startswith(f"{header} is left out") for said in notes_of(data).labels)
    for other in ("width", "grid", "size"):
        assert other in labelled(folder, text([["file", other, "hue"], *rows])).factors


def test_yes_and_no_in_any_case_and_a_remark_on_other_texts(folder):
    words = ["True", "TRUE", "false", "False"]
    rows = [[name, words[n % 4], ["cat", "Cat", "dog"][n % 3]] for n, name in enumerate(NAMES)]
    data = labelled(folder, text([["file", "smiles", "kind"], *rows]))
    assert dict(data.factors) == {"smiles": 2, "kind": 3}
    assert known(data)[:4, 0].tolist() == [1, 1, 0, 0]
    said = "kind: 'Cat' and 'cat' are two classes that differ only in case"
    assert said in notes_of(data).labels


def test_uninformative_tables(folder):
    with pytest.raises(UserError, match="is empty"):
        labelled(folder, "\n")
    with pytest.raises(UserError, match="is not UTF-8 text"):
        labelled(folder, "file,hue\nim_00.png,1\n".encode("utf-16-le"))
    for content in ("[1, 2]", "{", '"text"'):
        with pytest.raises(UserError, match="is not"):
            labelled(folder, content, "labels.json")


def test_continuous_columns_keep_their_values(folder):
    angles = np.random.default_rng(0).permutation(N) * 7.5 + 0.25
    rows = [[name, f"{a:g}", h] for a, (name, h, _) in zip(angles, ROWS, strict=True)][1:]
    content = text([["file", "angle", "hue"], *rows])
    data = labelled(folder, content, bins=3)
    (values,) = quantities_of(data).values()
    assert np.isnan(values[0]) and np.array_equal(values[1:], angles[1:])
    edges = [values[known(data)[:, 0] == c] for c in range(3)]
    assert edges[0].max() < edges[1].min() and edges[1].max() < edges[2].min()
    assert not quantities_of(labelled(folder, content, factors=["hue"]))
    part = labelled(folder, content, holdout=4)
    assert np.array_equal(quantities_of(part)["angle"], values[part.places], equal_nan=True)
    stretched = content.replace(f",{angles.max():g},", ",1000,")
    again = labelled(folder, stretched, bins=3)
    assert np.array_equal(known(again), known(data))
    assert again.labels_fingerprint != data.labels_fingerprint


def test_some_labels_keep_some_values(tmp_path):
    sizes = np.random.default_rng(0).permutation(N) / 7
    images = np.arange(N * 16, dtype=np.uint8).reshape(N, 4, 4)
    np.savez(tmp_path / "a.npz", images=images, size=sizes, hue=HUES)
    all_, some = (load("folder", path=str(tmp_path / "a.npz"), labels=n) for n in ("all", 5))
    assert np.array_equal(quantities_of(all_)["size"], sizes)
    held = quantities_of(some)["size"]
    labelled_ = known(some)[:, 0] != UNKNOWN
    assert labelled_.sum() == 5 and np.array_equal(~np.isnan(held), labelled_)


def test_an_encoding_that_is_not_utf_8_is_said(folder):
    rows = [[name, ["süß", "groß", "blau"][int(h)]] for name, h, _ in ROWS]
    data = labelled(folder, text([["file", "Größe"], *rows], ";").encode("cp1252"))
    assert dict(data.factors) == {"Größe": 3}
    assert "labels.csv is not in UTF-8, and is read as Windows-1252" in " ".join(
        notes_of(data).labels
    )


@pytest.mark.parametrize(
    "content",
    [
        text([HEAD, *ROWS], ", "),
        text([[f'"{cell}"' for cell in row] for row in [HEAD, *ROWS]], ", "),
        text([["Unnamed: 0", *HEAD], *([str(n), *row] for n, row in enumerate(ROWS))]),
        text([["Unnamed: 0", *HEAD[1:]], *([str(n), *r[1:]] for n, r in enumerate(ROWS))]),
        text([["idx", *HEAD[1:]], *([f"{n}.0", *r[1:]] for n, r in enumerate(ROWS))]),
        text([["", *HEAD], *(["", *row] for row in ROWS)]),
    ],
)
def test_forms_of_the_same_table(folder, content):
    data = labelled(folder, content)
    assert dict(data.factors) == {"hue": 3, "place": 3}
    assert np.array_equal(known(data), WANTED)


@pytest.mark.parametrize(
    "held",
    [
        {HEAD[c]: {str(n): row[c] for n, row in enumerate(ROWS)} for c in range(3)},
        {HEAD[c]: [row[c] for row in ROWS] for c in range(3)},
        [{"file": f, "of": {"hue": h, "place": p}} for f, h, p in ROWS],
    ],
)
def test_json_as_pandas_and_others_write_it(folder, held):
    data = labelled(folder, json.dumps(held), "labels.json")
    assert [name.removeprefix("of.") for name in data.factors] == ["hue", "place"]
    assert np.array_equal(known(data), WANTED)


def test_a_compressed_table_is_refused(folder):
    with pytest.raises(UserError, match=r"labels.csv.gz: is compressed; unpack it first"):
        labelled(folder, b"\x1f\x8b", "labels.csv.gz")


def test_categories_in_a_parquet_table(folder):
    hue = pa.array(["rgb"[h] for h in HUES]).dictionary_encode()
    dates = pa.array(np.arange(N).astype("datetime64[s]"))
    path = folder.parent / "labels.parquet"
    pq.write_table(pa.table({"file": NAMES, "hue": hue, "date": dates}), path)
    data = load("folder", path=str(folder), labels=str(path))
    assert dict(data.factors) == {"hue": 3}
    assert "labels.parquet has columns of other types, ignored: date" in notes_of(data).labels
