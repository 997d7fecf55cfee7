"""Indicators: closed forms, the paper's definitions spelled out, and the empirical lower bound."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import gennorm, norm
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from evaluation.metrics.indicators import Indicators, indicators
from evaluation.metrics.support.points import Posterior, draw_images
from tests.evaluation.metrics.toys import SMALL, Toy, noise_of, noisy, rotated, standard
from trainer.distributions.isa_prior import IsaOptions, IsaPrior
from trainer.errors import UserError

DATA, PERFECT = Toy(SMALL), standard(SMALL)


def of(posterior: Posterior, **options: object) -> Indicators:
    return indicators(PERFECT, DATA, 0, posterior=posterior, **({"points": len(DATA)} | options))


def test_an_encoder_that_answers_with_the_prior_knows_nothing() -> None:
    result = of(lambda x: (torch.zeros(len(x), 4), torch.zeros(len(x), 4)))
    for name in ("kl", "information", "aggregate_kl", "aggregate_kl_gaussian", "used"):
        assert getattr(result, name) == pytest.approx(0, abs=1e-9), name
    assert result.normal_variance == 4


def test_a_gaussian_channel_in_closed_form() -> None:
    """mu of variance 1 - s², posterior variance s²: q(z) is the prior and I = -log s a latent."""
    s = 0.1

    def posterior(x: Tensor) -> tuple[Tensor, Tensor]:
        mu = PERFECT(x) * (1 - s**2) ** 0.5
        off = torch.zeros(len(x), 2)  # two latents that are off
        return torch.cat([mu, off], 1), torch.cat([torch.full_like(mu, 2 * np.log(s)), off], 1)

    result = of(posterior)
    assert result.score == result.aggregate_kl == pytest.approx(0, abs=1e-6)
    assert result.information == pytest.approx(-5 * np.log(s), abs=1e-5)
    np.testing.assert_allclose(result.information_per_latent[:5], -np.log(s), atol=1e-6)
    np.testing.assert_allclose(result.variance, 1, atol=1e-6)
    assert result.used == 5 and result.normal_variance == 7


def test_codes_wider_than_the_prior_show_in_the_aggregate() -> None:
    result = of(lambda x: (3 * PERFECT(x), torch.full((len(x), 5), -40.0)))
    np.testing.assert_allclose(result.variance, 9, atol=1e-4)
    assert result.aggregate_kl == pytest.approx(5 * 0.5 * (9 - np.log(9) - 1), abs=1e-4)
    assert result.normal_variance == 0


def test_thresholds_are_the_callers() -> None:
    def posterior(x: Tensor) -> tuple[Tensor, Tensor]:
        return 0.5 * PERFECT(x), torch.full((len(x), 5), 2 * np.log(0.5))  # I = log 2 / 2

    assert of(posterior).used == 0
    assert of(posterior, used=0.3).used == 5
    assert of(posterior).normal_variance == 0
    assert of(posterior, normal=0.6).normal_variance == 5


def uneven(x: Tensor) -> tuple[Tensor, Tensor]:
    mu = noisy(rotated(PERFECT, 3, 4, 30), 0.4)(x) + torch.tensor([0.0, 0.3, 0, 0, 1])
    return mu, -2 + 0.5 * noise_of(x)[:, 5:10]


def test_equals_the_definitions_spelled_out() -> None:
    result = of(uneven, points=300)
    images = draw_images(DATA, np.random.default_rng(0), 300)
    mu, logvar = (part.double() for part in uneven(pixels(images)))
    posterior = Normal(mu.float().double(), logvar.float().double().mul(0.5).exp())

    def mean_kl(deviation: Tensor) -> Tensor:
        return kl_divergence(posterior, Normal(torch.zeros(5), deviation)).mean(dim=0)

    prior = mean_kl(torch.ones(5))
    # Eq. 10: q* by minimisation, as the paper finds it
    best = minimize(lambda v: mean_kl(torch.from_numpy(np.exp(v))).sum().item(), np.zeros(5))
    best = minimize(
        lambda v: mean_kl(torch.from_numpy(np.exp(v))).sum().item(), best.x, method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000},
    )  # fmt: skip
    nearest = torch.from_numpy(np.exp(best.x))
    np.testing.assert_allclose(result.variance, nearest**2, rtol=1e-4)
    nearest = torch.from_numpy(result.variance).sqrt()
    information = mean_kl(nearest)
    aggregate = kl_divergence(Normal(torch.zeros(5), nearest), Normal(0.0, 1.0))

    expected = {
        "kl": prior.sum(),  # Definition 1
        "information": information.sum(),  # 2
        "information_per_latent": information,  # 3
        "aggregate_kl": prior.sum() - information.sum(),  # 4
        "aggregate_kl_gaussian": aggregate.sum(),  # 5
        "information_gaussian": prior.sum() - aggregate.sum(),  # 6
        "information_gaussian_per_latent": prior - aggregate,  # 7
        "kl_per_latent": prior,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(result, name), value, atol=1e-6, err_msg=name)
    # with the best q*, Definitions 5 to 7 are 4, 2 and 3
    assert result.aggregate_kl == pytest.approx(result.aggregate_kl_gaussian, abs=1e-9)
    assert result.information == pytest.approx(result.information_gaussian, abs=1e-9)


def pixels(images: np.ndarray) -> Tensor:
    return torch.from_numpy(DATA.images(images)).float() / 255


def test_the_lower_bound_is_likelihood_minus_kl() -> None:
    def log_likelihood(x: Tensor, z: Tensor) -> Tensor:
        target, _ = uneven(x)
        return Normal(z, 1.0).log_prob(target.float()).sum(dim=-1)

    result = of(uneven, points=2000, log_likelihood=log_likelihood)
    images = draw_images(DATA, np.random.default_rng(0), 2000)
    _, logvar = uneven(pixels(images))
    # E over z of log N(mu; z, 1) is known: -(log 2 pi + exp(logvar)) / 2 a latent
    likelihood = -0.5 * (np.log(2 * np.pi) + logvar.exp()).sum(dim=1).mean().item()
    assert result.evlb == pytest.approx(likelihood - result.kl, abs=0.02)
    assert of(uneven, points=100).evlb is None


def test_the_lower_bound_of_a_pack_is_its_models() -> None:
    def log_likelihood(x: Tensor, z: Tensor) -> Tensor:
        return -(z**2).sum(dim=-1)

    def both(x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = uneven(x)
        return torch.stack([mu, 2 * mu]), torch.stack([logvar, logvar - 1])

    pack = of(both, points=300, log_likelihood=log_likelihood)
    alone = of(
        lambda x: tuple(part[1] for part in both(x)), points=300, log_likelihood=log_likelihood
    )
    assert pack.evlb[1] == pytest.approx(alone.evlb, rel=1e-6)


def test_means_without_variances_are_not_enough() -> None:
    with pytest.raises(UserError, match="posterior="):
        indicators(PERFECT, DATA)


def test_for_isa_vae_they_are_computed_from_its_own_prior() -> None:
    """With p0 = p1 its latents are independent: generalised normals, whose KL is an integral."""
    p, scale, mean, deviation = 1.5, 2.0, 0.7, 0.4
    prior = IsaPrior(1, 4, IsaOptions(subspaces=2, p0=p, p1=p, scale=scale))
    prior.initialise(0, torch.Generator())
    own = gennorm(p, scale=scale ** (1 / p))
    posterior = norm(mean, deviation)
    expected, _ = quad(
        lambda z: posterior.pdf(z) * (posterior.logpdf(z) - own.logpdf(z)), -4, 6, points=[0]
    )

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full((len(x), 4), mean), torch.full((len(x), 4), 2 * np.log(deviation))

    result, plain = of(encode, prior=prior), of(encode)
    assert result.kl == pytest.approx(4 * expected, abs=0.05)  # by one sample per image
    assert plain.kl == pytest.approx(4 * 0.5 * (mean**2 + deviation**2 - 1 - np.log(deviation**2)))
    assert abs(result.kl - plain.kl) > 0.5
    bound = of(encode, prior=prior, log_likelihood=lambda x, z: torch.full((len(x),), -20.0))
    assert bound.evlb == pytest.approx(-20 - result.kl)
    assert own.var() != pytest.approx(1, abs=0.3)  # so latents of that variance are the normal ones
    spread = of(
        lambda x: (own.std() * PERFECT(x)[:, :4], torch.full((len(x), 4), -20.0)), prior=prior
    )
    assert spread.normal_variance == 4
