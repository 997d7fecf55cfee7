"""The L^p-nested prior: its density, its samples, its limits."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from tests.trainer.objectives.literal import lp_nested_log_density
from trainer.distributions import lp_nested
from trainer.distributions.isa_prior import IsaOptions, IsaPrior

PRIORS = [
    ((2,), 2.0, (3.0,), 1.0),
    ((1, 1), 1.5, (2.0, 2.0), 2.0),
    ((1, 2), 2.1, (2.2, 1.4), 2.0),
    ((3,), 1.2, (2.5,), 0.7),
    ((2, 3, 1), 2.6, (1.6, 2.2, 3.0), 1.5),
]


def density(z: np.ndarray, prior: tuple) -> np.ndarray:
    sizes, p0, p1, scale = prior
    values = torch.from_numpy(z)[None]
    exponents = torch.tensor([p1], dtype=torch.float64)
    shared = lp_nested.negative_log_density(values, sizes, p0, exponents, scale)
    return (-shared.sum(2)).exp()[0].numpy()


def points_of(axis: np.ndarray, dimensions: int) -> np.ndarray:
    """All points whose coordinates are on the axis."""
    return np.stack(np.meshgrid(*[axis] * dimensions, indexing="ij"), -1).reshape(-1, dimensions)


@pytest.mark.parametrize("prior", PRIORS)
def test_density_is_equation_7(prior: tuple) -> None:
    z = np.random.default_rng(0).normal(size=(20, sum(prior[0])))
    expected = [lp_nested_log_density(row, *prior) for row in z.tolist()]
    np.testing.assert_allclose(np.log(density(z, prior)), expected, rtol=1e-12)


@pytest.mark.parametrize("prior", [p for p in PRIORS if sum(p[0]) <= 3])
def test_density_integrates_to_one(prior: tuple) -> None:
    dimensions = sum(prior[0])
    points = 400 if dimensions == 2 else 80
    edges = np.linspace(0, 1, points + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    z, step = 12 * middles**2, 24 * middles / points  # finer near 0, where the density has kinks
    grid = points_of(z, dimensions)
    volumes = points_of(step, dimensions).prod(axis=1)
    one_orthant = (density(grid, prior) * volumes).sum()
    assert 2**dimensions * one_orthant == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("prior", PRIORS)
def test_the_radius_of_samples_follows_equation_11(prior: tuple) -> None:
    sizes, p0, p1, scale = prior
    z = lp_nested.sample(20_000, sizes, p0, p1, scale, np.random.default_rng(1))
    radius = np.array([norm(row, sizes, p0, p1) for row in z])
    law = stats.gengamma(sum(sizes) / p0, p0, scale=scale ** (1 / p0))  # ψ0 of Eq. 11
    assert stats.kstest(radius, law.cdf).pvalue > 1e-3
    wrong = stats.gengamma(sum(sizes) / p0, p0, scale=1.05 * scale ** (1 / p0))
    assert stats.kstest(radius, wrong.cdf).pvalue < 1e-3


def norm(z: np.ndarray, sizes: tuple[int, ...], p0: float, p1: tuple[float, ...]) -> float:
    """f(z), Eq. 9."""
    total, start = 0.0, 0
    for size, p in zip(sizes, p1, strict=True):
        total += (np.abs(z[start : start + size]) ** p).sum() ** (p0 / p)
        start += size
    return total ** (1 / p0)


def test_samples_follow_the_density_in_two_dimensions() -> None:
    prior = ((2,), 1.6, (3.0,), 2.0)
    z = lp_nested.sample(100_000, *prior, np.random.default_rng(2))
    edges = np.linspace(-3, 3, 13)
    counts, _, _ = np.histogram2d(*z.T, bins=(edges, edges))
    fine = np.linspace(-3, 3, 12 * 20 + 1)
    middles = (fine[1:] + fine[:-1]) / 2
    grid = points_of(middles, 2)
    mass = density(grid, prior).reshape(12, 20, 12, 20).sum(axis=(1, 3)) * (6 / 240) ** 2
    expected = mass * len(z)
    assert (
        stats.chisquare(counts.ravel(), expected.ravel() * counts.sum() / expected.sum()).pvalue
        > 1e-3
    )
    assert counts.sum() == pytest.approx(expected.sum(), rel=0.01)


def test_subspaces_are_independent_and_latents_within_them_are_not() -> None:
    z = lp_nested.sample(100_000, (2, 2), 2.1, (4.0, 4.0), 2.0, np.random.default_rng(3))
    size = np.abs(z) ** 2
    assert abs(np.corrcoef(size[:, 0], size[:, 2])[0, 1]) < 0.015
    assert abs(np.corrcoef(size[:, 0], size[:, 1])[0, 1]) > 0.05


def test_exponents_of_two_make_the_standard_normal() -> None:
    z = np.random.default_rng(0).normal(size=(50, 4))
    expected = stats.norm.pdf(z).prod(axis=1)
    np.testing.assert_allclose(density(z, ((1, 3), 2.0, (2.0, 2.0), 2.0)), expected)
    drawn = lp_nested.sample(20_000, (1, 3), 2.0, (2.0, 2.0), 2.0, np.random.default_rng(4))
    for column in drawn.T:
        assert stats.kstest(column, "norm").pvalue > 1e-3


def test_gradients_are_finite_at_and_near_the_origin() -> None:
    z = torch.tensor([[[0.0, 0.0, 0.0], [1e-20, 0.0, 1.0]]], requires_grad=True)
    p1 = torch.tensor([[2.2, 2.2]], requires_grad=True)
    lp_nested.negative_log_density(z, (2, 1), 2.1, p1, 2.0).sum().backward()
    assert z.grad is not None and z.grad.isfinite().all()
    assert p1.grad is not None and p1.grad.isfinite().all()


def test_gradient_in_the_exponents_is_that_of_finite_differences() -> None:
    z = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p1 = torch.tensor([[2.2, 1.5], [3.0, 2.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda p: lp_nested.negative_log_density(z, (2, 3), 2.1, p, 2.0), (p1,)
    )


def test_maximum_likelihood_learns_the_exponents_that_samples_were_drawn_with() -> None:
    true = (1.5, 3.0)
    z = lp_nested.sample(20_000, (2, 2), 2.1, true, 2.0, np.random.default_rng(5))
    prior = IsaPrior(1, 4, IsaOptions(subspaces=2, exponents="learned"))
    prior.initialise(0, torch.Generator())
    assert prior.log_p1.exp().tolist() == [pytest.approx([2.0, 2.0])]
    codes = torch.from_numpy(z).float()[None]
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.05)
    for _ in range(80):
        optimizer.zero_grad()
        prior.kl(codes, torch.zeros_like(codes), codes).sum(2).mean().backward()
        optimizer.step()
    assert prior.log_p1.exp()[0].tolist() == pytest.approx(true, rel=0.05)


def test_samples_of_a_pack_are_each_models_own() -> None:
    prior = IsaPrior(2, 4, IsaOptions(subspaces=2))
    with torch.no_grad():
        prior.log_p1.copy_(torch.tensor([[1.0, 1.0], [8.0, 8.0]]).log())
    z = prior.sample(2, 50_000, 4, np.random.default_rng(0)).double()
    assert z.shape == (2, 50_000, 4)
    kurtosis = stats.kurtosis(z.numpy(), axis=1)
    assert (kurtosis[0] > 0.3).all()  # peaked
    assert (kurtosis[1] < 0).all()  # flat
    assert math.isclose(z.mean().item(), 0, abs_tol=0.02)
