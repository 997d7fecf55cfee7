"""Packed optimisers against their papers' formulas, one model and one number at a time."""

from collections.abc import Callable

import pytest
import torch

from trainer.config.run import OptimizerConfig
from trainer.training.optimizers import PackedOptimizer

RATES = [0.1, 0.1, 0.5, 0.01]


def adam(gradients: list[float], lr: float) -> float:
    """Kingma & Ba 2015, Algorithm 1."""
    x, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x -= lr * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    return x


def adagrad(gradients: list[float], lr: float) -> float:
    """Duchi et al. 2011, with the sum of squares starting at 0.1."""
    x, total = 1.0, 0.1
    for g in gradients:
        total += g * g
        x -= lr * g / (total**0.5 + 1e-10)
    return x


def rmsprop(gradients: list[float], lr: float) -> float:
    """Tieleman & Hinton 2012, Lecture 6.5."""
    x, average = 1.0, 0.0
    for g in gradients:
        average = 0.9 * average + 0.1 * g * g
        x -= lr * g / (average**0.5 + 1e-8)
    return x


@pytest.mark.parametrize("transposed", [False, True])  # how a gradient lies in memory is no matter
@pytest.mark.parametrize("formula", [adam, adagrad, rmsprop])
def test_each_model_has_its_own_rate(
    formula: Callable[[list[float], float], float], transposed: bool
) -> None:
    parameter = torch.nn.Parameter(torch.ones(4, 3))
    configs = [OptimizerConfig(formula.__name__, lr) for lr in RATES]  # type: ignore[arg-type]
    optimizer = PackedOptimizer({"x": parameter}, configs)
    gradients = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(0))
    for gradient in gradients:
        if transposed:
            optimizer.step((parameter.T * gradient.T.contiguous()).sum())
        else:
            optimizer.step((parameter * gradient).sum())
    for model, lr in enumerate(RATES):
        for i in range(3):
            expected = formula(gradients[:, model, i].double().tolist(), lr)
            assert parameter[model, i].item() == pytest.approx(expected, rel=1e-5)
