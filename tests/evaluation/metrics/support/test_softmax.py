"""The batched classifier beside torch's Adagrad and beside scikit-learn's exact minimum."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from evaluation.metrics.support.softmax import (
    LEARNING_RATE,
    accuracy,
    fit,
    initial_weights,
    standardise,
)


def clusters(seed: int, spread: float) -> tuple[Tensor, Tensor]:
    """3,000 points (n, 6) of three overlapping classes (n,), all features positive."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=3000)
    centres = rng.normal(size=(3, 6))
    x = np.abs(5 + centres[y] + spread * rng.normal(size=(3000, 6)))
    return torch.from_numpy(x).float(), torch.from_numpy(y)


def problems(*spreads: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    both = [clusters(seed, spread) for seed, spread in enumerate(spreads)]
    x, y = (torch.stack(parts) for parts in zip(*both, strict=True))
    train, test = standardise(x[:, :2000], x[:, 2000:])
    return train, y[:, :2000], test, y[:, 2000:]


def starts(count: int) -> Tensor:
    return torch.stack([initial_weights(7, 3, torch.Generator().manual_seed(0))] * count)


@pytest.mark.parametrize("spread", [0.5, 1.5, 4.0])
def test_it_finds_what_the_exact_minimum_finds(spread: float) -> None:
    train, y, test, y_test = problems(spread)
    ours = accuracy(test, y_test, fit(train, y, starts(1)))[0].item()
    exact = LogisticRegression(C=1e6, max_iter=5000).fit(train[0], y[0])
    assert ours == pytest.approx(exact.score(test[0], y_test[0]), abs=0.012)


def test_adagrad_equals_torchs() -> None:
    train, y, *_ = problems(1.5)
    weights = starts(1)[0].clone().requires_grad_()
    optimiser = torch.optim.Adagrad([weights], lr=LEARNING_RATE)
    for _ in range(120):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(train[0] @ weights.T, y[0]).backward()
        optimiser.step()
    ours = fit(train, y, starts(1), tolerance=-1.0, most_steps=120)[0]
    torch.testing.assert_close(ours, weights.detach(), rtol=1e-3, atol=1e-4)


def test_problems_do_not_affect_one_another() -> None:
    train, y, *_ = problems(0.3, 1.5, 4.0)
    together = fit(train, y, starts(3))
    for k in range(3):
        alone = fit(train[k : k + 1], y[k : k + 1], starts(1))[0]
        torch.testing.assert_close(together[k], alone, rtol=1e-3, atol=1e-4)


def test_standardised_features_forget_their_scale() -> None:
    x, _ = clusters(0, 1.0)
    x = x[None]
    scales = torch.tensor([1e-12, 1e-3, 1.0, 10.0, 1e6, 1e12])
    plain, scaled = (standardise(z[:, :2000], z[:, 2000:]) for z in (x, x * scales))
    for before, after in zip(plain, scaled, strict=True):
        torch.testing.assert_close(after, before, rtol=1e-3, atol=2e-3)


def test_every_feature_has_the_same_spread_in_training() -> None:
    x, _ = clusters(0, 1.0)
    train, _ = standardise(x[None, :2000], x[None, 2000:])
    torch.testing.assert_close(train[0, :, :-1].mean(dim=0), torch.zeros(6), rtol=0, atol=1e-3)
    torch.testing.assert_close(train[0, :, :-1].std(dim=0), torch.full((6,), 30 / 6**0.5))
    assert (train[0, :, -1] == train[0, 0, -1]).all()


def test_a_feature_constant_in_training_is_uninformative() -> None:
    train, test = torch.rand(1, 50, 2), torch.rand(1, 20, 2)
    train[..., 0] = 0.1
    new_train, new_test = standardise(train, test)
    assert (new_train[..., 0] == 0).all()
    assert (new_test[..., 0] == 0).all()
