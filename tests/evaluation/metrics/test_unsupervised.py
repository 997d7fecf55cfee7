"""Unsupervised scores: closed forms, a literal slow transcription, and what they cannot see."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.metrics import mutual_info_score

from evaluation.metrics.support.points import draw_images
from evaluation.metrics.unsupervised import Unsupervised, unsupervised
from tests.evaluation.metrics.toys import SMALL, Encoder, Toy, noisy, rotated, standard

DATA, PERFECT = Toy(SMALL), standard(SMALL)


def of(encoder: Encoder, **options: int) -> Unsupervised:
    return unsupervised(encoder, DATA, 0, **({"points": len(DATA)} | options))


def test_independent_latents_score_0() -> None:
    result = of(PERFECT)
    assert result.score == result.gaussian_total_correlation == pytest.approx(0, abs=1e-6)
    assert result.gaussian_wasserstein_correlation == pytest.approx(0, abs=1e-6)
    assert result.mutual_info_score == pytest.approx(0, abs=1e-6)


def test_two_correlated_latents_in_closed_form() -> None:
    def code(x: torch.Tensor) -> torch.Tensor:
        z = PERFECT(x)
        return torch.stack([z[:, 3], (z[:, 3] + z[:, 4]) / 2**0.5], dim=1)

    result, rho = of(code), 0.5**0.5
    assert result.gaussian_total_correlation == pytest.approx(np.log(2) / 2, abs=1e-6)
    # unit variances: the distance is 2 * 2 - 2 (sqrt(1 + rho) + sqrt(1 - rho)), up to n / (n - 1)
    distance = 4 - 2 * (np.sqrt(1 + rho) + np.sqrt(1 - rho))
    assert result.gaussian_wasserstein_correlation == pytest.approx(distance, abs=1e-3)
    assert result.gaussian_wasserstein_correlation_norm == pytest.approx(distance / 2, abs=1e-6)


def test_only_information_sees_a_rotation() -> None:
    """Known weakness: a turned code is as uncorrelated as the factors themselves."""
    result = of(rotated(PERFECT, 3, 4))
    assert result.gaussian_total_correlation == pytest.approx(0, abs=1e-6)
    assert result.mutual_info_score > 0.01


def test_copies_and_constants_stay_finite() -> None:
    copied = of(lambda x: PERFECT(x)[:, [0, 1, 2, 0]])
    assert 10 < copied.gaussian_total_correlation < 40
    constant = of(lambda x: torch.ones(len(x), 3))
    assert constant.gaussian_total_correlation == 0
    assert constant.gaussian_wasserstein_correlation_norm == 0
    alone = of(lambda x: PERFECT(x)[:, :1])
    assert alone.mutual_info_score == 0


def test_total_correlation_and_information_know_no_scale() -> None:
    code = noisy(rotated(PERFECT, 1, 2, 20), 0.3)
    scale = torch.tensor([4.0, 0.25, 2**-8, 1024, 1])
    plain, scaled = of(code), of(lambda x: code(x) * scale)
    assert scaled.gaussian_total_correlation == pytest.approx(
        plain.gaussian_total_correlation, abs=1e-9
    )
    assert scaled.mutual_info_score == pytest.approx(plain.mutual_info_score, abs=1e-9)


def test_equals_a_literal_transcription() -> None:
    mix = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 5)))

    def code(x: torch.Tensor) -> torch.Tensor:
        return PERFECT(x) @ mix

    result = unsupervised(code, DATA, 4, points=900)
    images = draw_images(DATA, np.random.default_rng(4), 900)
    z = code(torch.from_numpy(DATA.images(images)).float() / 255).float().double().numpy().T
    cov = np.cov(z)
    total = 0.5 * (np.log(np.diag(cov)).sum() - np.linalg.slogdet(cov)[1])
    root = scipy.linalg.sqrtm(cov * np.diag(cov)[:, None])
    distance = 2 * np.trace(cov) - 2 * np.trace(root).real
    bins = [np.digitize(row, np.histogram(row, 20)[1][:-1]) for row in z]
    pairs = [mutual_info_score(bins[a], bins[b]) for a in range(5) for b in range(5) if a != b]
    assert result.gaussian_total_correlation == pytest.approx(total, abs=1e-6)
    assert result.gaussian_wasserstein_correlation == pytest.approx(distance, abs=1e-6)
    assert result.gaussian_wasserstein_correlation_norm == pytest.approx(
        distance / np.trace(cov), abs=1e-6
    )
    assert result.mutual_info_score == pytest.approx(np.mean(pairs), abs=1e-6)
