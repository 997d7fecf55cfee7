"""A trained model in its user's hands: NumPy in, NumPy out, and what it refuses."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.runs import config, folders
from tests.trainer.shapes import Shapes
from trainer import load_model
from trainer.distributions import lp_nested
from trainer.errors import UserError
from trainer.models import Model, load_pack
from trainer.training.loop import train

GREY, BINARY = Shapes(channels=2, levels=255), Shapes()
ISA = {"subspaces": 2, "exponents": "learned", "p1": 1.2}


@pytest.fixture
def root(tmp_path) -> Path:
    """run0: a VAE of grey images of two channels; run1: an ISA-VAE of black and white ones."""
    paths = folders(tmp_path, 2)
    train([config(steps=8, beta=2.0)], GREY, paths[:1], device="cpu")
    isa = config(steps=8, latents=4, objective="isa_vae", objective_options=ISA)
    train([isa], BINARY, paths[1:], device="cpu")
    return paths[0].parent


@pytest.fixture
def model(root) -> Model:
    return load_model(root / "run0")


def test_encodes_bytes_and_floats_alike(root, model):
    images = GREY.images(np.arange(5))
    means, variances = model.encode(images)
    mu, logvar = load_pack([root / "run0"]).encode(torch.from_numpy(images).float() / 255)
    np.testing.assert_allclose(means, mu[0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(variances, logvar[0].exp().numpy(), rtol=1e-5)
    assert means.shape == (5, 3) and (variances > 0).all()
    np.testing.assert_array_equal(model.encode(images / 255)[0], means)
    assert (model.config.beta, model.latents, model.shape) == (2.0, 3, (2, 12, 12))


def test_black_and_white_bytes_are_not_divided_by_255(root):
    binary, images = load_model(root / "run1"), BINARY.images([0, 7])
    np.testing.assert_array_equal(binary.encode(images)[0], binary.encode(images.astype(float))[0])


def test_more_images_than_a_batch_are_split(model, monkeypatch):
    images = GREY.images(np.arange(7))
    whole = model.encode(images)
    pictures = model.decode(whole[0])
    monkeypatch.setattr("trainer.models.model.BATCH", 3)
    np.testing.assert_allclose(model.encode(images)[1], whole[1], rtol=1e-5)
    np.testing.assert_allclose(model.decode(whole[0]), pictures, rtol=1e-5)


def test_a_traversal_is_the_decoded_means_with_one_latent_moved(model):
    images, values = GREY.images([3, 9]), [-1.0, 2.0]
    found = model.traverse(images, latents=[2, 0], values=values)
    assert found.shape == (2, 2, 2, 2, 12, 12)
    means, _ = model.encode(images)
    for image, row, column in np.ndindex(found.shape[:3]):
        z = means[[image]].copy()
        z[0, [2, 0][row]] = values[column]
        np.testing.assert_allclose(found[image, row, column], model.decode(z)[0], atol=1e-6)
    assert model.traverse(images).shape[:3] == (2, 3, 9)


def test_samples_are_of_the_models_own_prior(root, monkeypatch):
    isa = load_model(root / "run1")
    np.testing.assert_array_equal(isa.sample(5, seed=3), isa.sample(5, seed=3))
    assert not np.array_equal(isa.sample(5, seed=3), isa.sample(5, seed=4))
    drawn = []
    monkeypatch.setattr(isa.pack, "means", lambda z: drawn.append(z[0].numpy()) or z)
    isa.sample(20_000)
    codes = np.concatenate(drawn)
    p1 = isa.pack.prior.log_p1.detach().exp()[0].numpy()
    assert abs(p1 - 1.2).max() > 1e-3  # learned: not what it began with
    exact = lp_nested.sample(200_000, (2, 2), 2.1, p1, 2.0, np.random.default_rng(1))
    for moment in (2, 4):  # by Alg. 1 at the exponents it learned; a normal's are 1 and 3
        expected = (exact**moment).mean(axis=0)
        np.testing.assert_allclose((codes**moment).mean(axis=0), expected, rtol=0.08)


@pytest.mark.parametrize(
    ("use", "problem"),
    [
        (lambda m: m.encode(np.zeros((2, 12, 12))), r"expected images \(n, 2, 12, 12\), got"),
        (lambda m: m.encode(np.zeros((0, 2, 12, 12))), r"got \(0, 2, 12, 12\)"),
        (lambda m: m.encode(np.full((1, 2, 12, 12), 3.0)), "floats from 0 to 1, got 3.0 to 3.0"),
        (lambda m: m.encode(np.full((1, 2, 12, 12), 300)), "integers from 0 to 255, got 300"),
        (lambda m: m.encode(np.full((1, 2, 12, 12), np.nan)), "got nan to nan"),
        (lambda m: m.encode(np.full((1, 2, 12, 12), "x")), "expected uint8 images or floats"),
        (lambda m: m.decode(np.zeros((2, 4))), r"expected codes \(n, 3\), got \(2, 4\)"),
        (lambda m: m.traverse(GREY.images([0]), latents=[3]), "expected latents from 0 to 2, got"),
        (lambda m: m.sample(0), "expected at least 1 sample"),
    ],
)
def test_what_does_not_fit_is_refused(model, use, problem):
    with pytest.raises(UserError, match=problem):
        use(model)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(UserError, match="is not a run folder"):
        load_model(tmp_path)


def test_a_config_that_was_edited_is_not_believed(root):
    path = root / "run0/config.json"
    path.write_text(path.read_text().replace('"beta": 2.0', '"beta": 3.25'))
    with pytest.raises(UserError, match=r"config.json was changed: its beta is 3.25, but the mod"):
        load_model(root / "run0")
    train([config(steps=8, beta=2.0)], GREY, [root / "run0"], device="cpu")  # trains nothing
    assert load_model(root / "run0").config.beta == 2.0


def test_a_model_with_a_changed_bit_is_not_believed(root):
    path = root / "run0/model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged .its SHA-256 is not the one in training\.json"):
        load_model(root / "run0")
    (root / "run0/training.json").unlink()  # as where MLflow has brought the model
    load_model(root / "run0")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pipe_is_not_waited_for(root, name):
    (root / "run0" / name).unlink()
    os.mkfifo(root / "run0" / name)
    with pytest.raises(UserError, match=rf"{name} (is not a file|cannot be read)"):
        load_model(root / "run0")
