"""The aggregate posterior and the total correlation, where the answers are known."""

from itertools import permutations

import pytest
import torch

from trainer.distributions.gaussian import log_density, reparametrise
from trainer.errors import UserError
from trainer.objectives.total_correlation import aggregate_posterior, total_correlation


def draw(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
@pytest.mark.parametrize("sampling", ["weighted", "stratified"])
def test_total_correlation_of_a_gaussian(correlation: float, sampling: str) -> None:
    """Means N(0, S) and posteriors of variance v add up to N(0, S + vI): TC = -log(1 - r²) / 2."""
    n, variance = 1500, 0.2
    first, second = draw(1, n), draw(1, n, seed=1)
    mu = torch.stack([first, correlation * first + (1 - correlation**2) ** 0.5 * second], dim=2)
    logvar = torch.full_like(mu, variance).log()
    z = reparametrise(mu, logvar, draw(1, n, 2, seed=2))
    images = n if sampling == "weighted" else 1_000_000
    joint, marginals = aggregate_posterior(z, mu, logvar, images, sampling)
    if sampling == "weighted":  # with all images in the batch its constant is known
        joint, marginals = joint + torch.tensor(n).log(), marginals + torch.tensor(n).log()
    r = torch.tensor(correlation / (1 + variance))
    expected = -0.5 * (1 - r**2).log()
    assert total_correlation(joint, marginals).item() == pytest.approx(expected.item(), abs=0.04)


def test_marginals_of_a_gaussian() -> None:
    n, variance = 2000, 0.5
    mu = draw(1, n, 2)
    logvar = torch.full_like(mu, variance).log()
    z = reparametrise(mu, logvar, draw(1, n, 2, seed=2))
    _, marginals = aggregate_posterior(z, mu, logvar, 1_000_000, "stratified")
    expected = log_density(z, torch.zeros(()), torch.tensor(1 + variance).log())
    inner = z.abs() < 2  # where there are posteriors enough
    assert (marginals - expected)[inner].abs().mean() < 0.05


def test_stratified_sampling_is_unbiased_over_all_batches() -> None:
    """The mean over every ordered batch of 3 of the 4 images that begins with z's own is q(z)."""
    images, latents = 4, 2
    mu, logvar, noise = draw(1, images, latents), draw(1, images, latents, seed=1), draw(1, latents)
    z = mu[:, :1] + (0.5 * logvar[:, :1]).exp() * noise
    estimates = []
    for others in permutations(range(1, images), 2):
        chosen = [0, *others]
        codes = z.expand(-1, 3, -1)
        joint, marginals = aggregate_posterior(
            codes, mu[:, chosen], logvar[:, chosen], images, "stratified"
        )
        estimates.append(torch.cat([joint[0, :1], marginals[0, 0]]).exp())
    densities = log_density(z, mu, logvar).exp()[0]
    expected = torch.cat([densities.prod(1).mean(0, keepdim=True), densities.mean(0)])
    torch.testing.assert_close(torch.stack(estimates).mean(0), expected)


def test_stratified_sampling_needs_a_batch_that_the_data_can_fill() -> None:
    z = draw(1, 6, 2)
    for few, images in [(z, 4), (z[:, :1], 100)]:
        with pytest.raises(UserError, match="batches of at least 2 images, and no larger"):
            aggregate_posterior(few, few, few, images, "stratified")
    aggregate_posterior(z, z, z, 5, "stratified")
