"""The Gaussian q(z|x) beside torch.distributions."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.trainer.objectives.batches import batch
from trainer.distributions.gaussian import kl_from_standard_normal, log_density, reparametrise


def test_kl_is_that_of_torch_distributions() -> None:
    b = batch()
    expected = kl_divergence(Normal(b.mu, (b.logvar / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_from_standard_normal(b.mu, b.logvar), expected)


def test_kl_is_zero_only_at_the_prior() -> None:
    zeros = torch.zeros(1, 1, 2)
    assert kl_from_standard_normal(zeros, zeros).tolist() == [[[0.0, 0.0]]]
    assert (kl_from_standard_normal(zeros, torch.tensor([-0.1, 0.1])) > 0).all()


def test_log_density_is_that_of_torch_distributions() -> None:
    b = batch()
    expected = Normal(b.mu, (b.logvar / 2).exp()).log_prob(b.z)
    torch.testing.assert_close(log_density(b.z, b.mu, b.logvar), expected)


def test_reparametrised_samples_have_the_mean_and_the_spread_asked_for() -> None:
    noise = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    z = reparametrise(torch.tensor(2.0), torch.tensor(math.log(9.0)), noise)
    assert z.mean().item() == pytest.approx(2, abs=0.03)
    assert z.std().item() == pytest.approx(3, abs=0.03)
