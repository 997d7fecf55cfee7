"""From a setting to its runs: ids that hold what decides the result and nothing else."""

import numpy as np
import pytest

from sweeps.plan import load_data, remarks_on_likelihood, runs_of
from sweeps.sweepfile import load_spec, spec_of
from trainer.errors import UserError

BASE = {
    "name": "plan",
    "dataset": {"name": "dsprites", "size": 32, "factors": {"scale": 2, "orientation": 2}},
    "method": "grid",
    "parameters": {"beta_norm": {"values": [0.001, 0.01]}, "latents": {"values": [2, 5]}},
    "seeds": 5,
}


def spec(**changes):
    return spec_of({**BASE, **changes})


def ids(spec, parameters):
    return [run.id for run in runs_of(spec, load_data(spec), parameters)]


POINT = {"beta_norm": 0.01, "latents": 5}


def test_beta_is_beta_norm_times_pixels_over_latents():
    base = spec()
    (run, *_) = runs_of(base, load_data(base), POINT)
    assert run.config.beta == 0.01 * 32 * 32 / 5
    assert run.config.latents == 5


def test_there_is_a_run_per_seed_with_the_ids_of_its_configuration():
    base = spec(seeds=[3, 1])
    data = load_data(base)
    runs = runs_of(base, data, POINT)
    assert [run.config.seed for run in runs] == [3, 1]
    assert [run.id for run in runs] == [run.config.identity(data.fingerprint) for run in runs]
    assert len({run.id for run in runs}) == 2


def test_more_seeds_keep_the_ids_of_the_others():
    assert ids(spec(seeds=9), POINT)[:5] == ids(spec(), POINT)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"settings": 40},
        {"pack": 1},
        {"method": "random", "search_seed": 4},
        {"resources": {"cpu": 0.1}},
        {"evaluation": {"higgins": {"protocol": "dlib"}}},
        {"trainer": {"objective": {"name": "beta_vae"}, "batch_size": 64}},  # defaults, written out
        {"parameters": {"beta_norm": {"value": 0.01}}},
    ],
)
def test_ids_do_not_depend_on_the_sweep(changes):
    assert ids(spec(**changes), POINT) == ids(spec(), POINT)


@pytest.mark.parametrize(
    "changes",
    [
        {"trainer": {"steps": 11}},
        {"trainer": {"optimizer": {"lr": 0.1}}},
        {"dataset": {"name": "dsprites", "size": 32}},
    ],
)
def test_ids_change_with_what_decides_the_result(changes):
    assert not set(ids(spec(**changes), POINT)) & set(ids(spec(), POINT))


def test_labels_do_not_change_ids():
    labelled = spec(dataset={**BASE["dataset"], "labels": 10})
    assert ids(labelled, POINT) == ids(spec(), POINT)


def test_parameters_win_over_the_trainer_section():
    base = spec(trainer={"optimizer": {"name": "adagrad", "lr": 0.5}, "steps": 7})
    (run, *_) = runs_of(base, load_data(base), {"beta": 2, "optimizer.lr": 0.25, "steps": 9})
    assert run.config.beta == 2.0 and isinstance(run.config.beta, float)
    assert (run.config.optimizer.name, run.config.optimizer.lr) == ("adagrad", 0.25)
    assert run.config.steps == 9


def test_data_mistakes_name_the_line(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "name: x\nparameters: {beta: {value: 1}}\ndataset:\n  name: dsprites\n  size: 33\n"
    )
    with pytest.raises(UserError) as caught:
        load_data(load_spec(path))
    assert str(caught.value).startswith(f"{path}:5: dataset.size: ")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK not a zip")
    with pytest.raises(UserError) as caught:
        load_data(load_spec(path, ["dataset.size=64", f"dataset.path={broken}"]))
    assert str(broken) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_likelihood_that_no_file_names_is_bernoulli_where_images_are_black_and_white():
    base = spec()
    assert remarks_on_likelihood(base, load_data(base)) == []
    assert ids(base, POINT) == ids(spec(trainer={"likelihood": "bernoulli"}), POINT)
    assert ids(base, POINT) == ids(spec(trainer={"likelihood": "auto"}), POINT)
    assert ids(base, POINT)[0] == "a705a86df91c2aaa7ab0"  # as before `auto`


def test_on_gray_images_it_learns_its_noise_and_says_so(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    np.save(tmp_path / "grey.npy", pixels)
    grey = spec(dataset={"name": "folder", "path": str(tmp_path / "grey.npy")})
    data = load_data(grey)
    assert {run.config.likelihood for run in runs_of(grey, data, POINT)} == {"gaussian_learned"}
    assert "gaussian_learned" in remarks_on_likelihood(grey, data)[0]
    named = spec(
        dataset=grey.dataset.options | {"name": "folder"}, trainer={"likelihood": "gaussian"}
    )
    assert remarks_on_likelihood(named, data) == []


def test_auto_has_no_options():
    with pytest.raises(UserError, match=r"trainer\.likelihood\.variance: 'auto' takes no options"):
        spec(trainer={"likelihood": {"variance": 0.1}})
