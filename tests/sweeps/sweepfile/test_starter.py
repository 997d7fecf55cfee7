"""`sweep init`, `sweep list` and the short forms of a sweep file."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from sweeps.cli.main import main
from sweeps.sweepfile import load_spec, spec_of
from sweeps.sweepfile.starter import betas, remarks_on_cost, sweep_name
from trainer.data import load
from trainer.errors import UserError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def images(folder, count, shape=(8, 8), levels=256):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        size = shape if isinstance(shape, tuple) else shape[number % len(shape)]
        pixels = rng.integers(0, levels, size) * (255 // (levels - 1))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")


def begun(here, *arguments):
    assert main(["init", *arguments]) == 0
    (file,) = here.glob("*.yaml")
    return load_spec(file)


def test_a_set_of_ten_images_takes_minutes(here, capsys):
    images(here / "my images", 10)
    spec = begun(here, "my images")
    assert spec.name == "my-images" and spec.method == "grid"
    assert spec.trainer["steps"] <= 400 and spec.trainer["batch_size"] == 8
    assert spec.trainer["likelihood"] == "gaussian_learned"
    said = capsys.readouterr().out
    assert "factors: none" in said
    assert re.search(r"wrote my-images.yaml: about (\d+ s|[12] min) of training", said)
    assert main(["validate", "my-images.yaml"]) == 0


def test_the_file_fits_the_images_and_their_labels(here):
    images(here / "photos", 12, [(40, 60, 3), (80, 50, 3)])
    (here / "l.csv").write_text("file,hue\n" + "".join(f"{n}.png,{n % 2}\n" for n in range(12)))
    spec = begun(here, "photos", "--labels", "l.csv", "--name", "mine", "fit=pad")
    assert spec.dataset.options == {"path": "photos", "labels": "l.csv", "fit": "pad", "size": 32}
    assert (spec.name, spec.trainer["architecture"]) == ("mine", "conv")


def test_black_and_white_images_get_the_bernoulli_likelihood(here):
    images(here / "bits", 20, levels=2)
    assert begun(here, "bits").trainer["likelihood"] == "bernoulli"


def test_arrays_with_the_options_that_they_need(here):
    np.save("a.npy", np.random.default_rng(0).integers(0, 17, (20, 64)).astype(float))
    assert main(["init", "a.npy"]) == 2
    spec = begun(here, "a.npy", "shape=[8, 8]", "range=[0, 16]")
    assert spec.dataset.options == {"path": "a.npy", "shape": [8, 8], "range": [0, 16]}


def test_nothing_is_written_over_and_mistakes_are_one_line(here, capsys):
    images(here / "a", 4)
    (here / "a.yaml").write_text("mine")
    assert main(["init", "a"]) == 2 and (here / "a.yaml").read_text() == "mine"
    assert main(["init", "b"]) == 2 and not (here / "b.yaml").exists()
    assert main(["init", "a", "--name", "c", "sise=8"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "a.yaml already exists" in lines[0] and "no such file" in lines[1]
    assert "sise: unknown option of folder; did you mean 'size'" in lines[2]


@pytest.mark.parametrize("pixels", [64, 784, 4096, 3 * 64 * 64])
def test_betas_are_evenly_spaced_in_the_logarithm_around_what_the_pixels_suggest(pixels):
    values = betas(pixels)
    assert np.allclose(np.diff(np.log(values)), np.log(3), atol=0.1)
    assert values[0] <= 0.03 * pixels / 10 <= values[-1]


@pytest.mark.parametrize("path", ["a/b c.npz", "~/photos/", "..", "ä-1"])
def test_names_of_sweeps_can_name_folders(path):
    spec_of({"name": sweep_name(path), "dataset": "dsprites", "parameters": {"beta": 1}})


def test_the_cost_of_default_steps_is_reported_where_images_are_few(here):
    images(here / "a", 10)
    dataset = {"name": "folder", "path": "a"}
    values = {"name": "a", "dataset": dataset, "parameters": {"beta": [1, 2]}, "seeds": 2}
    spec = spec_of({**values, "trainer": {"architecture": "mlp"}})
    data = load("folder", path="a")
    (said,) = remarks_on_cost(spec, data)
    assert "10,000 steps of 64 show each of the 10 images 64,000 times" in said
    chosen = spec_of({**values, "trainer": {"architecture": "mlp", "steps": 500}})
    assert remarks_on_cost(chosen, data) == []


def test_short_forms_of_parameters():
    short = {"latents": 10, "beta": [1, 4], "optimizer.lr": {"min": 1, "max": 2}}
    full = {**short, "latents": {"value": 10}, "beta": {"values": [1, 4]}}
    base = {"name": "a", "dataset": "dsprites"}
    assert spec_of({**base, "parameters": short}) == spec_of({**base, "parameters": full})
    assert spec_of({**base, "parameters": short}).parameters["optimizer.lr"].distribution is None


@pytest.mark.parametrize("name", ["beta", "beta_norm"])
def test_a_range_of_beta_is_drawn_on_the_logarithm(name):
    def parameter(**keys):
        given = {name: {"min": 0.1, "max": 10, **keys}}
        return spec_of({"name": "a", "dataset": "dsprites", "parameters": given}).parameters[name]

    assert parameter().log and not parameter(distribution="uniform").log
    with pytest.raises(UserError, match="min"):
        parameter(min=0)


def test_list_and_version(here, capsys):
    assert main(["list"]) == 0
    assert "no sweep in" in capsys.readouterr().out
    from sweeps.run_store import Store

    store = Store(here / "store")
    store.prepare()
    store.save_spec(
        spec_of({"name": "mine", "dataset": "dsprites", "parameters": {"beta": [1, 4]}})
    )
    assert main(["list", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["finished"], found["total"]) == ("mine", 0, 10)
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and "sweep" in capsys.readouterr().out
