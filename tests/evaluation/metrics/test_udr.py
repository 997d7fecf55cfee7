"""UDR: known answers, a literal slow transcription, and what it cannot see."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso
from sklearn.preprocessing import StandardScaler

from evaluation.metrics.support.points import Posterior, draw_images
from evaluation.metrics.udr import UDR, udr
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, pack, rotated, standard
from trainer.config.schema import FieldError
from trainer.distributions.uniform_prior import UniformPrior
from trainer.errors import UserError

DATA, PERFECT = Toy(SMALL), standard(SMALL)


def of(*encoders: Encoder, **options: object) -> UDR:
    return udr(pack(*encoders), DATA, 0, **({"points": len(DATA)} | options))


def shuffled(x: torch.Tensor) -> torch.Tensor:
    """The perfect code in another order, some latents negated."""
    return PERFECT(x)[:, [3, 0, 4, 1, 2]] * torch.tensor([1, -1, 1, -1, 1])


def test_seeds_that_encode_the_same_factors_agree() -> None:
    result = of(PERFECT, shuffled, PERFECT)
    np.testing.assert_allclose(result.spearman, 1, atol=1e-6)
    # the penalty takes alpha off each coefficient: (1 - alpha)² / (1 - alpha)
    np.testing.assert_allclose(result.lasso, 0.9, atol=1e-6)
    np.testing.assert_array_equal(result.score, result.lasso)
    ranked = of(PERFECT, shuffled, correlation="spearman")
    np.testing.assert_array_equal(ranked.score, ranked.spearman)


def test_seeds_entangled_each_in_its_own_way_agree_less() -> None:
    tangled = [
        rotated(rotated(PERFECT, 3, 4, 40), 1, 2, 35),
        rotated(rotated(PERFECT, 2, 3, 45), 0, 1, 50),
        rotated(rotated(PERFECT, 2, 4, 50), 0, 3, 40),
    ]
    apart, together = of(*tangled), of(PERFECT, shuffled, PERFECT)
    assert (apart.spearman < together.spearman - 0.2).all()
    assert (apart.lasso < together.lasso - 0.1).all()


def test_seeds_entangled_in_one_way_agree_in_full() -> None:
    """Known weakness: agreement is all that is looked at."""
    code = rotated(PERFECT, 3, 4)
    np.testing.assert_allclose(of(code, code).spearman, of(PERFECT, PERFECT).spearman, atol=1e-6)


def test_seeds_of_noise_do_not_agree_and_constant_ones_are_undefined() -> None:
    def noise(shift: int) -> Encoder:
        return lambda x: noisy(PERFECT, 0, 11)(x)[:, [5 + shift, 6 + shift, 7 + shift]]

    assert (of(noise(0), noise(3)).score < 0.05).all()
    constant = of(lambda x: torch.ones(len(x), 3), lambda x: torch.zeros(len(x), 3))
    assert np.isnan(constant.score).all() and "collapsed" in constant.reason[0]
    np.testing.assert_array_equal(constant.active, 0)


def test_collapsed_seeds_are_not_compared() -> None:
    def nothing(x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(x), 5, dtype=torch.float64)

    two = of(PERFECT, shuffled, nothing)
    np.testing.assert_allclose(two.score[:2], 0.9, atol=1e-6)
    assert np.isnan(two.score[2]) and list(two.reason[:2]) == [None, None]
    lone = of(PERFECT, nothing, nothing)
    assert np.isnan(lone.score).all() and "no other seed" in lone.reason[0]
    assert lone.active.tolist() == [5, 0, 0]


def test_kl_is_that_from_the_models_own_prior() -> None:
    """A latent that is at a prior of variance 1/3 is off, though N(0, 1) is another."""

    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = pack(PERFECT, PERFECT)(x)
        mu[..., 4] = 0
        logvar = torch.full_like(mu, -4.0)
        logvar[..., 4] = float(np.log(1 / 3))
        return mu, logvar

    assert of(PERFECT, PERFECT, posterior=posterior).active.tolist() == [5, 5]
    own = of(PERFECT, PERFECT, posterior=posterior, prior=UniformPrior(0))
    assert own.active.tolist() == [4, 4]


def test_latents_that_are_off_are_left_out() -> None:
    """By the KL term where there is a posterior; by the spread of the means where there is none."""

    def padded(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([PERFECT(x), noisy(PERFECT, 0, 2)(x)[:, 5:] * 0.05], dim=1)

    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = pack(padded, padded)(x)
        logvar = torch.zeros_like(mu)
        logvar[..., 6] = -4  # narrow, so its KL is large whatever its mean does
        return mu, logvar

    bare = of(padded, padded)
    assert bare.activity == "variance" and bare.active.tolist() == [5, 5]
    full = of(padded, padded, posterior=posterior)
    assert full.activity == "kl" and full.active.tolist() == [6, 6]


def test_scale_sign_and_order_change_nothing_with_a_posterior() -> None:
    codes = [noisy(PERFECT, 0.3), noisy(rotated(PERFECT, 3, 4, 20), 0.2)]
    scale = torch.tensor([-4.0, 0.25, -(2**-3), 16, 1])

    def posterior(encoder: Encoder) -> Posterior:
        return lambda x: (encoder(x), torch.full_like(encoder(x), -5.0))

    plain = of(*codes, posterior=posterior(pack(*codes)))
    turned = [codes[0], lambda x: (codes[1](x) * scale)[:, [2, 0, 1, 4, 3]]]
    moved = of(*turned, posterior=posterior(pack(*turned)))
    np.testing.assert_allclose(moved.lasso, plain.lasso, atol=1e-6)
    np.testing.assert_allclose(moved.spearman, plain.spearman, atol=1e-6)


def test_one_model_is_refused() -> None:
    for encoder in (PERFECT, pack(PERFECT)):
        with pytest.raises(UserError, match="at least two models"):
            udr(encoder, DATA, points=100)
    with pytest.raises(FieldError, match="did you mean 'spearman'"):
        of(PERFECT, PERFECT, correlation="spearmann")


def test_equals_a_literal_transcription() -> None:
    codes = [
        noisy(PERFECT, 0.3, 1),
        noisy(rotated(PERFECT, 3, 4, 30), 0.6, 1),
        noisy(rotated(PERFECT, 1, 2, 20), 0.4, 1),
    ]

    def posterior(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mu = pack(*codes)(x)
        mu[1, :, 5] *= 0.01
        return mu, torch.where(torch.arange(6) == 5, -0.001, -2.0).expand_as(mu)

    result = udr(pack(*codes), DATA, 2, posterior=posterior, points=500)
    images = draw_images(DATA, np.random.default_rng(2), 500)
    mu, logvar = posterior(torch.from_numpy(DATA.images(images)).float() / 255)
    mu, logvar = mu.float().double().numpy(), logvar.float().double().numpy()
    kl = (0.5 * (mu**2 + np.exp(logvar) - logvar - 1)).mean(axis=1)
    assert result.active.tolist() == [6, 5, 6]
    for kind in ("lasso", "spearman"):
        agreement = np.zeros((3, 3))
        for i in range(3):
            for j in range(3):
                if i == j:
                    continue
                a, b = (StandardScaler().fit_transform(mu[m]) for m in (i, j))
                if kind == "lasso":
                    matrix = np.abs(Lasso(alpha=0.1, tol=1e-12).fit(a, b).coef_.T)
                else:
                    matrix = np.abs(
                        [[spearmanr(a[:, p], b[:, q])[0] for q in range(6)] for p in range(6)]
                    )
                matrix = matrix[kl[i] > 0.01][:, kl[j] > 0.01]
                with np.errstate(invalid="ignore"):
                    columns = np.nan_to_num(matrix.max(axis=0) ** 2 / matrix.sum(axis=0))
                    rows = np.nan_to_num(matrix.max(axis=1) ** 2 / matrix.sum(axis=1))
                agreement[i, j] = (columns.mean() + rows.mean()) / 2
        expected = [np.median(np.delete(agreement[:, j], j)) for j in range(3)]
        np.testing.assert_allclose(getattr(result, kind), expected, atol=1e-6)
