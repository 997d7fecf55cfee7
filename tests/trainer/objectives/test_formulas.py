"""Every objective against a slow, literal float64 transcription of its formula."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainer.objectives import literal
from tests.trainer.objectives.batches import (
    IMAGES,
    K,
    M,
    N,
    after,
    batch,
    initialised,
    terms_of,
)
from tests.trainer.runs import config
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError
from trainer.objectives import OBJECTIVES, objective_options
from trainer.objectives.objective import Batch

# options of each objective that a formula is transcribed for; none is a default
OPTIONS: dict[str, dict[str, Any]] = {
    "vae": {},
    "beta_vae": {"anneal_steps": 100, "anneal_from": 0.5},
    "annealed_vae": {"gamma": 3.0, "capacity": 20.0, "capacity_steps": 100},
    "beta_tcvae": {"alpha": 0.5, "gamma": 1.5},
    "factor_vae": {"gamma": 3.0, "hidden": 2, "width": 3},
    "isa_vae": {"subspaces": (1, 3), "p0": 1.7, "p1": 2.6, "scale": 1.5},
    "isa_tcvae": {"subspaces": 2, "p0": 2.4, "p1": 1.3, "sampling": "stratified"},
    "dip_vae_i": {"lambda_od": 2.0, "lambda_d": 7.0},
    "dip_vae_ii": {"lambda_od": 2.0, "lambda_d": 7.0},
    "dc_ign": {"invariance": 0.3},
}


def run(objective: str, **options: Any) -> RunConfig:
    return config(objective=objective, latents=M, objective_options=options)


def kl_isa(b: Batch, model: int, sizes: tuple[int, ...], p0: float, p1: float, s: float) -> float:
    """log q(z|x) - log p_ISA(z), mean over images (Stühmer et al. 2019, Eq. 12)."""
    total = 0.0
    for z, mu, logvar in zip(b.z[model].tolist(), *literal.posteriors(b, model), strict=True):
        posterior = sum(map(literal.log_normal, z, mu, logvar))
        total += posterior - literal.lp_nested_log_density(z, sizes, p0, [p1] * len(sizes), s)
    return total / N


def literal_loss(name: str, b: Batch, model: int) -> float:
    """What the objective named minimises, with OPTIONS."""
    beta, log_px, kl = b.beta[model].item(), literal.log_px(b, model), literal.kl(b, model)
    if name == "vae":
        return -(log_px - kl)
    if name == "beta_vae":  # 30 of 100 steps from 0.5 to beta
        return -(log_px - (0.7 * 0.5 + 0.3 * beta) * kl)
    if name == "annealed_vae":  # 30 of 100 steps from 0 to 20 nats
        return -(log_px - 3 * abs(kl - 6))
    if name == "beta_tcvae":
        information, correlation, dimensions = literal.parts(b, model, "weighted")
        noise = information + correlation + dimensions - kl  # of the KL, which we take exactly
        return -(log_px - 0.5 * information - beta * correlation - 1.5 * dimensions) - noise
    if name == "isa_vae":
        return -(log_px - beta * kl_isa(b, model, (1, 3), 1.7, 2.6, 1.5))
    if name == "isa_tcvae":
        kl = kl_isa(b, model, (2, 2), 2.4, 1.3, 2)
        _, correlation, _ = literal.parts(b, model, "stratified")
        return -(log_px - (kl - correlation) - beta * correlation)
    if name == "dc_ign":
        return -(log_px - beta * kl) + 0.3 * literal.inactive_spread(b, model)
    mu, logvar = literal.posteriors(b, model)
    c = literal.covariance(mu)
    if name == "dip_vae_ii":
        c = c + np.diag(np.exp(logvar).mean(axis=0))
    across = sum(c[i, j] ** 2 for i in range(M) for j in range(M) if i != j)
    return -(log_px - beta * kl) + 2 * across + 7 * sum((c[i, i] - 1) ** 2 for i in range(M))


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "factor_vae"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_loss_is_the_papers(name: str, dtype: torch.dtype) -> None:
    terms = terms_of(run(name, **OPTIONS[name]), batch(dtype, step=after(30)))
    for model in range(K):
        expected = literal_loss(name, batch(step=after(30)), model)
        precision = 1e-9 if dtype == torch.float64 else 1e-4
        assert terms["loss"][model].item() == pytest.approx(expected, rel=precision)


def test_factor_vae_is_equation_2_with_the_density_ratio_of_equation_3() -> None:
    b, options = batch(), objective_options(run("factor_vae", **OPTIONS["factor_vae"]))
    objective = OBJECTIVES["factor_vae"]
    assert objective.adversary
    network = initialised(objective.adversary.network(K, M, options))
    terms = objective.terms(Batch(**{**vars(b), "adversary": network}), options)
    weights = [
        (layer.weight.tolist(), layer.bias.tolist()) for layer in network if hasattr(layer, "bias")
    ]
    for model in range(K):
        correlation = 0.0
        for z in b.z[model].tolist():
            h = z
            for number, (weight, bias) in enumerate(weights):
                if number > 0:
                    h = [value if value > 0 else 0.2 * value for value in h]
                w, c = weight[model], bias[model][0]
                h = [sum(h[i] * w[i][o] for i in range(len(h))) + c[o] for o in range(len(c))]
            d = math.exp(h[0]) / (math.exp(h[0]) + math.exp(h[1]))
            correlation += math.log(d / (1 - d)) / N
        elbo = literal.log_px(b, model) - b.beta[model].item() * literal.kl(b, model)
        assert terms["loss"][model].item() == pytest.approx(-(elbo - 3 * correlation), rel=1e-9)
        assert terms["total_correlation"][model].item() == pytest.approx(correlation, rel=1e-9)


def test_the_discriminators_loss_is_that_of_algorithm_2() -> None:
    objective, options = OBJECTIVES["factor_vae"], objective_options(run("factor_vae", width=3))
    assert objective.adversary
    network = initialised(objective.adversary.network(K, M, options))
    z, other = batch().z, batch().mu
    mixed = other.clone()
    for model in range(K):
        for image in range(N):
            for latent in range(M):
                mixed[model, image, latent] = other[model, (image - latent) % N, latent]
    loss = objective.adversary.loss(network, z, other)
    real, fake = network(z).softmax(2)[..., 0], network(mixed).softmax(2)[..., 0]
    expected = -0.5 * (real.log().mean(1) + (1 - fake).log().mean(1))
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("sampling", ["weighted", "stratified"])
def test_total_correlation_term_is_that_of_loops_over_pairs(sampling: str) -> None:
    terms = terms_of(run("beta_tcvae", sampling=sampling), batch())
    for model in range(K):
        _, expected, _ = literal.parts(batch(), model, sampling)
        assert terms["total_correlation"][model].item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", OPTIONS)
def test_recorded_terms_are_those_of_the_lower_bound(name: str) -> None:
    terms = terms_of(run(name, **OPTIONS[name]), batch())
    assert terms["kl_per_latent"].shape == (K, M)
    torch.testing.assert_close(terms["kl_per_latent"].sum(1), terms["kl"])
    for model in range(K):
        expected = literal.log_px(batch(), model)
        assert terms["reconstruction"][model].item() == pytest.approx(expected)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_terms_of_a_model_depend_only_on_that_model(name: str) -> None:
    b = batch()
    arrays = {key: value for key, value in vars(b).items() if torch.is_tensor(value) and value.ndim}
    spoilt = {key: value.clone() for key, value in arrays.items()}
    for value in spoilt.values():
        value[1] = torch.nan
    settings = run(name, **OPTIONS[name])
    sound, beside_nan = terms_of(settings, b), terms_of(settings, batch(**spoilt))
    for key, value in sound.items():
        assert torch.equal(value[0], beside_nan[key][0]), key


def test_whatever_should_reduce_to_the_vae_does() -> None:
    b = batch(beta=torch.ones(K, dtype=torch.float64), step=after(10))
    expected = terms_of(run("vae"), b)["loss"]
    for settings in (
        run("beta_vae"),
        run("beta_tcvae"),
        run("factor_vae", gamma=0),
        run("dip_vae_i", lambda_od=0),
        run("dip_vae_ii", lambda_od=0),
        run("annealed_vae", gamma=1, capacity=0),
        run("dc_ign", invariance=0),
    ):
        torch.testing.assert_close(terms_of(settings, b)["loss"], expected)


def test_beta_of_zero_leaves_the_reconstruction() -> None:
    b = batch(beta=torch.zeros(K, dtype=torch.float64))
    for name in ("beta_vae", "isa_vae"):
        terms = terms_of(run(name, **({"subspaces": 2} if name == "isa_vae" else {})), b)
        torch.testing.assert_close(terms["loss"], -terms["reconstruction"])


def test_beta_and_capacity_stay_where_they_end() -> None:
    late, end = batch(step=after(10_000)), batch(step=after(100))
    for name in ("beta_vae", "annealed_vae"):
        settings = run(name, **OPTIONS[name])
        assert torch.equal(terms_of(settings, late)["loss"], terms_of(settings, end)["loss"])


def test_isa_with_exponents_of_two_is_the_vae_in_expectation() -> None:
    b = batch()
    noise = torch.randn(K, 40_000, M, generator=torch.Generator().manual_seed(0)).double()
    mu, logvar = (half[:, :1].expand(-1, 40_000, -1).contiguous() for half in (b.mu, b.logvar))
    many = batch(mu=mu, logvar=logvar, z=mu + (0.5 * logvar).exp() * noise)
    isa = terms_of(run("isa_vae", subspaces=2, p0=2, p1=2), many)
    normal = terms_of(run("beta_vae"), many)
    torch.testing.assert_close(isa["kl_per_latent"], normal["kl_per_latent"], atol=0.03, rtol=0)


def test_lambda_d_left_out_follows_lambda_od() -> None:
    for name, factor in [("dip_vae_i", 10), ("dip_vae_ii", 1)]:
        short = terms_of(run(name, lambda_od=3), batch())["loss"]
        long = terms_of(run(name, lambda_od=3, lambda_d=3 * factor), batch())["loss"]
        assert torch.equal(short, long)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "vae", "beta": 4.0}, r"^beta: objective 'vae' has beta = 1, got 4"),
        ({"objective": "annealed_vae", "beta": 2.0}, r"^beta: .* no beta, only gamma"),
        (
            {"objective": "isa_vae", "latents": 7},
            r"^objective_options\.subspaces: 7 latents cannot be split into 5",
        ),
        (
            {"objective": "isa_vae", "objective_options": {"subspaces": [1, 1]}},
            r"^objective_options\.subspaces: sizes \[1, 1\] add up to 2, not 3",
        ),
        (
            {"objective": "isa_vae", "objective_options": {"scle": 2}},
            r"^objective_options\.scle: unknown key; did you mean 'scale'",
        ),
        (
            {"objective": "beta_tcvae", "objective_options": {"sampling": "stratifed"}},
            r"^objective_options\.sampling: .*did you mean 'stratified'",
        ),
        (
            {"objective": "factor_vae", "objective_options": {"gamma": -1}},
            r"^objective_options\.gamma: expected 0 or more",
        ),
        ({"objective": "infogan", "beta": 2.0}, r"^beta: objective 'infogan' has no beta"),
        ({"objective": "infogan", "batch_size": 1}, r"^batch_size: .* at least 2 images"),
        (
            {"objective": "infogan", "objective_options": {"noise_code": 3}},
            r"^objective_options\.noise_code: unknown key; did you mean 'noise_codes'",
        ),
        (
            {"objective": "dc_ign", "objective_options": {"factors": {"shape": 0}}},
            r"^objective_options\.factors\.shape: expected at least 1 latent",
        ),
        (
            {"objective": "dc_ign", "objective_options": {"shares": {"shape": 0}}},
            r"^objective_options\.shares\.shape: expected a positive number",
        ),
    ],
)
def test_what_has_no_meaning_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        objective_options(config(**changes))


def test_every_objective_is_transcribed() -> None:
    assert {*OPTIONS, "infogan"} == set(OBJECTIVES)  # see test_infogan.py
    assert IMAGES > N
