"""What a researcher's own files lead to: said before anything starts, and the metric stays."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from sweeps.cli.main import main
from sweeps.metric_plan import plan_metrics
from sweeps.plan import load_data
from sweeps.sweepfile import load_spec

N = 36
FACTORS = [(h, p, s) for h in range(3) for p in range(4) for s in range(3)]
HEAD = ["file", "hue", "place", "size"]
ROWS = [[f"im_{n:02d}.png", *map(str, f)] for n, f in enumerate(FACTORS)]


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name, *_ in ROWS:
        pixels = rng.integers(0, 256, (8, 8)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    return tmp_path / "images"


def sweep_file(folder, head=None, rows=(), **dataset):
    """A sweep on the images, with a table of labels where one is given."""
    options = {"name": "folder", "path": str(folder), **dataset}
    if head:
        table = folder.parent / "labels.csv"
        table.write_text("".join(",".join(row) + "\n" for row in [head, *rows]))
        options["labels"] = str(table)
    path = folder.parent / "sweep.yaml"
    path.write_text(
        f"name: own\ndataset: {json.dumps(options)}\nmethod: grid\nseeds: 2\n"
        "parameters: {beta: {values: [1, 4]}}\ntrainer: {architecture: mlp, steps: 5}\n"
    )
    return path


def plan_of(path):
    spec = load_spec(path)
    return plan_metrics(spec, load_data(spec))


ANGLES = np.random.default_rng(0).uniform(0, 360, N)


@pytest.mark.parametrize(
    "extra",
    [
        [f"seen on day {n}" for n in range(N)],
        [f"{angle:.4f}" for angle in ANGLES],
        ["", *["x"] * (N - 1)],
        [str(n) if n < 12 else "" for n in range(N)],  # classes of one image each
        [""] * N,
    ],
)
def test_one_bad_column_does_not_change_the_metric(folder, extra):
    rows = [[*row, value] for row, value in zip(ROWS, extra, strict=True)]
    assert plan_of(sweep_file(folder, [*HEAD, "extra"], rows)).metric == "higgins"


def test_it_is_reported_that_a_factor_called_shape_does_not_count_in_the_papers_protocol(folder):
    found = plan_of(sweep_file(folder, ["file", "shape", "place", "size"], ROWS))
    assert any(said.startswith("shape does not count in the paper's") for said in found.remarks)


def test_validate_shows_what_was_read(folder, capsys):
    rows = [[*row, f"day {n}"] for n, row in enumerate(ROWS)]
    path = sweep_file(folder, [*HEAD, "comment"], rows)
    assert main(["validate", str(path)]) == 0
    out = capsys.readouterr().out
    assert "36 images of 1×8×8, values from 0 to 255" in out
    assert "factors: hue (3 classes, 36 images labelled), place (4 classes" in out
    assert "comment is left out: 36 labels have 36 different values" in out
    cost = next(line for line in out.splitlines() if line.startswith("cost: "))
    assert re.fullmatch(
        r"cost: \d+ runs?, about .* \(.* to .*\) on this machine.*; a trial .*iB", cost
    )
    (sheet,) = (line.split(": ")[1] for line in out.splitlines() if line.startswith("contact"))
    with Image.open(sheet) as picture:
        assert picture.size == (6 * 66 + 2, 6 * 66 + 2)  # each zoomed to 64 pixels
        corner = np.asarray(picture)[2:66:8, 2:66:8, 0]
    with Image.open(folder / "im_00.png") as picture:
        assert np.array_equal(corner, np.asarray(picture))


def test_validate_as_json_has_every_default(folder, capsys):
    assert main(["validate", str(sweep_file(folder, HEAD, ROWS)), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["data"]["factors"] == {"hue": 3, "place": 4, "size": 3}
    assert found["resolved"]["model"]["batch_size"] == 64
    assert found["cost"]["seconds"] > 0 and found["cost"]["memory"] > 2**16
    assert found["resolved"]["model"]["likelihood"] == "gaussian_learned"
    assert found["resolved"]["evaluation"]["higgins"]["protocol"] == "paper"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_validate_lists_all_broken_files(folder, capsys, arguments):
    whole = (folder / "im_03.png").read_bytes()
    (folder / "im_03.png").write_bytes(whole[:-40])
    for number in range(5, 12):
        (folder / f"im_{number:02d}.png").write_bytes(b"")
    path = sweep_file(folder)
    assert main(["validate", str(path), *arguments]) == 2
    out, err = capsys.readouterr()
    listed = json.loads(out)["broken"] if arguments else out.splitlines()
    assert [line.split(":")[0] for line in listed] == [
        f"im_{number:02d}.png" for number in (3, *range(5, 12))
    ]
    assert err.startswith(f"sweep: {path}:2: dataset: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize("command", ["validate", "run"])
def test_images_that_never_vary_are_one_line_before_anything_starts(tmp_path, capsys, command):
    (tmp_path / "images").mkdir()
    for number in range(4):
        Image.fromarray(np.full((8, 8), 9, np.uint8)).save(tmp_path / "images" / f"{number}.png")
    path = sweep_file(tmp_path / "images")
    assert main([command, str(path), "--store", str(tmp_path / "store")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and not (tmp_path / "store").exists()
    said = "all 4 images are equal: there is nothing to learn from them"
    assert err == f"sweep: {path}:2: dataset: {said}\n"


def test_it_is_explained_why_only_one_factor_is_left(folder):
    first = [row for row in ROWS if row[1:3] == ["0", "0"]] * 2
    rows = [[f"im_{n:02d}.png", *row[1:]] for n, row in enumerate(first[:5])]
    path = sweep_file(folder, HEAD, rows)
    found = plan_of(path)
    assert found.metric == "udr"
    assert any("hue is left out: all 5 labels are '0'" in said for said in found.remarks)
