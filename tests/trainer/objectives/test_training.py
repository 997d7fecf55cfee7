"""Every objective and likelihood trained: alone as in a pack, resumed as in one go, read back."""

from pathlib import Path
from typing import Any

import pytest
import torch

from evaluation.likelihood import likelihood
from tests.trainer.objectives.literal import log_normal, lp_nested_log_density
from tests.trainer.runs import config, distance, folders, history, model
from tests.trainer.shapes import LabelledShapes, Shapes
from trainer.config.run import RunConfig
from trainer.errors import UserError
from trainer.likelihoods import LIKELIHOODS
from trainer.models import Pack, load_pack
from trainer.objectives import OBJECTIVES
from trainer.training.loop import Training, train

STEPS, LATENTS = 30, 4

# every objective and likelihood, each with the options that bring in code of its own
RUNS: dict[str, dict[str, Any]] = {
    "vae": {"objective": "vae"},
    "annealed": {"objective_options": {"anneal_steps": 20}},
    "annealed_vae": {
        "objective": "annealed_vae",
        "objective_options": {"gamma": 10, "capacity_steps": 20},
    },
    "beta_tcvae": {"objective": "beta_tcvae", "objective_options": {"sampling": "stratified"}},
    "factor_vae": {"objective": "factor_vae", "objective_options": {"width": 16, "lr": 1e-3}},
    "isa_vae": {"objective": "isa_vae", "objective_options": {"subspaces": 2}},
    "isa_vae, learned": {
        "objective": "isa_vae",
        "objective_options": {"subspaces": (1, 3), "exponents": "learned"},
    },
    "isa_tcvae": {"objective": "isa_tcvae", "objective_options": {"subspaces": 2}},
    "dip_vae_i": {"objective": "dip_vae_i"},
    "dip_vae_ii": {"objective": "dip_vae_ii"},
    "dc_ign": {"objective": "dc_ign", "objective_options": {"shares": {"x": 2.0}}},
    "infogan": {"objective": "infogan"},
    "gaussian": {"likelihood": "gaussian", "likelihood_options": {"variance": 0.05}},
    "gaussian_network": {"likelihood": "gaussian_network"},
    "gaussian_learned": {"likelihood": "gaussian_learned"},
    "gaussian_learned, gradient": {
        "likelihood": "gaussian_learned",
        "likelihood_options": {"by": "gradient"},
    },
    "gaussian_mixture": {"likelihood": "gaussian_mixture"},
    "gaussian_mixture, gradient": {
        "likelihood": "gaussian_mixture",
        "likelihood_options": {"by": "gradient"},
    },
}


def configs(name: str) -> list[RunConfig]:
    """Three models of a pack that differ in all that they may."""
    weights = (1.0, 1.0, 1.0) if RUNS[name].get("objective") in FIXED else (1.0, 4.0, 0.5)
    return [
        config(steps=STEPS, latents=LATENTS, seed=seed, beta=beta, lr=lr, **RUNS[name])
        for seed, beta, lr in zip((0, 1, 7), weights, (1e-3, 1e-3, 2e-3), strict=True)
    ]


FIXED = ("vae", "annealed_vae", "infogan")


def test_all_are_trained_here() -> None:
    assert {run.get("objective", "beta_vae") for run in RUNS.values()} == set(OBJECTIVES)
    assert {run.get("likelihood", "bernoulli") for run in RUNS.values()} == set(LIKELIHOODS)


@pytest.mark.parametrize("name", RUNS)
def test_a_model_in_a_pack_equals_the_model_on_its_own_and_learns(
    tmp_path: Path, name: str, device: str
) -> None:
    data, packed, alone = LabelledShapes(), folders(tmp_path / "pack", 3), tmp_path / "alone"
    records = train(configs(name), data, packed, device=device)
    train(configs(name)[1:2], data, [alone], device=device)
    assert [record["state"] for record in records] == ["finished"] * 3
    for term, values in history(packed[1]).items():
        torch.testing.assert_close(values, history(alone)[term], rtol=1e-3, atol=1e-4, msg=term)
    assert distance(model(packed[1]), model(alone)) < 1e-4
    learned = history(packed[1])["information" if name == "infogan" else "reconstruction"]
    assert sum(learned[-5:]) > sum(learned[:5])


@pytest.mark.parametrize(
    "name",
    [
        "factor_vae",
        "isa_vae, learned",
        "gaussian_learned",
        "gaussian_mixture",
        "infogan",
        "dc_ign",
    ],
)
def test_what_is_learned_beside_the_networks_survives_a_restart(
    tmp_path: Path, name: str, device: str
) -> None:
    data, whole, cut = (
        LabelledShapes(),
        folders(tmp_path / "whole", 3),
        folders(tmp_path / "cut", 3),
    )
    train(configs(name), data, whole, device=device)
    first = Training(configs(name), data, cut, device=device)
    while first.step < STEPS // 2:
        first.advance(0)
    first.save()
    train(configs(name), data, cut, device=device)
    for one, other in zip(whole, cut, strict=True):
        for key, array in model(one).items():
            assert torch.equal(array, model(other)[key]), key


@pytest.mark.parametrize(
    "name", [name for name in RUNS if name.startswith(("gaussian_l", "gaussian_m", "isa_vae, l"))]
)
def test_noise_and_exponents_are_learned_in_training(tmp_path: Path, name: str) -> None:
    pack = Pack(configs(name)[0], 3, (1, 12, 12))
    pack.draw_parameters([0, 1, 7])
    first, paths = dict(pack.named_parameters()), folders(tmp_path, 3)
    train(configs(name), Shapes(), paths, device="cpu")
    for number, path in enumerate(paths):
        own = {key: value for key, value in model(path).items() if "_own." in key}
        assert own
        for key, value in own.items():
            assert not torch.equal(value, first[key][number]), key


@pytest.mark.parametrize("name", ["infogan", "dc_ign"])
def test_only_the_model_that_becomes_nan_fails(tmp_path: Path, name: str) -> None:
    data, sound, beside = LabelledShapes(), folders(tmp_path / "1", 3), folders(tmp_path / "2", 3)
    train(configs(name), data, sound, device="cpu")
    training = Training(configs(name), data, beside, device="cpu")
    while training.step < 7:
        training.advance(0)
    with torch.no_grad():
        next(training.pack.decoder.parameters())[1].fill_(torch.nan)
    training.advance(60)
    records = training.finish()
    assert [record["state"] for record in records] == ["finished", "failed", "finished"]
    assert records[1]["reason"] == "loss is not finite at step 8"
    for number in (0, 2):
        for key, array in model(sound[number]).items():
            assert torch.equal(array, model(beside[number])[key]), key


def test_an_adversary_learns_only_from_its_own_loss(tmp_path: Path) -> None:
    """With gamma = 0 the networks are those of beta-VAE, and the discriminator still learns."""
    options = {"gamma": 0, "width": 16, "lr": 1e-2}
    runs = [
        config(objective="factor_vae", objective_options=options, steps=300),
        config(objective="factor_vae", objective_options=options | {"lr": 1e-9}, steps=300),
    ]
    paths = folders(tmp_path, 2)
    for one, path in zip(runs, paths, strict=True):
        train([one], Shapes(), [path], device="cpu")
    learned, still = model(paths[0]), model(paths[1])
    for name, array in learned.items():
        assert torch.equal(array, still[name]) != name.startswith("adversary.")
    losses = history(paths[0])["adversary"]
    assert sum(losses[-20:]) < sum(losses[:20])


READ_BACK = ["isa_vae, learned", "beta_tcvae", "gaussian_mixture", "infogan", "dc_ign"]


@pytest.mark.parametrize("name", READ_BACK)
def test_models_are_read_back_with_their_prior_and_their_noise(tmp_path: Path, name: str) -> None:
    data, paths = LabelledShapes(), folders(tmp_path, 3)
    training = Training(configs(name), data, paths, device="cpu")
    training.advance(60)
    training.finish()
    trained, loaded = training.pack, load_pack(paths)
    x = torch.from_numpy(data.images(range(20))).float().expand(3, -1, -1, -1, -1)
    z = torch.randn(3, 20, LATENTS, generator=torch.Generator().manual_seed(0))
    decoded = trained.decode(z)
    assert torch.equal(loaded.log_likelihood(x, decoded), trained.log_likelihood(x, decoded))
    assert torch.equal(loaded.kl(z, z, z), trained.kl(z, z, z))
    assert torch.equal(loaded.sample_prior(5), trained.sample_prior(5))
    assert torch.equal(loaded.encode(x)[0], trained.encode(x)[0])
    assert loaded.decode(loaded.sample_prior(5)).shape == (3, 5, 1, 12, 12)
    assert likelihood(loaded, data).kl.shape == (3,)


def test_kl_of_an_isa_model_is_from_its_own_prior(tmp_path: Path) -> None:
    train(configs("isa_vae")[:1], Shapes(), [tmp_path], device="cpu")
    z = torch.randn(1, 5, LATENTS, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros_like(z)
    kl = load_pack([tmp_path]).kl(zeros, zeros, z).sum(2)[0].tolist()
    for nats, code in zip(kl, z[0].tolist(), strict=True):
        posterior = sum(log_normal(value, 0, 0) for value in code)
        prior = lp_nested_log_density(code, (2, 2), 2.1, (2.2, 2.2), 2.0)
        assert nats == pytest.approx(posterior - prior, abs=1e-4)


def test_models_with_different_options_make_no_pack(tmp_path: Path) -> None:
    paths = folders(tmp_path, 2)
    for path, variance in zip(paths, (0.1, 0.2), strict=True):
        options = {"variance": variance}
        one = config(likelihood="gaussian", likelihood_options=options, steps=2)
        train([one], Shapes(), [path], device="cpu")
    with pytest.raises(UserError, match=r"has likelihood_options \{'variance': 0.2\}, .* 0.1"):
        load_pack(paths)
