"""Packed optimisers against their papers' formulas, one model and one number at a time."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.trainer.runs import config, distance, folders, model
from tests.trainer.shapes import Shapes
from trainer.config.run import OptimizerConfig
from trainer.device import adagrad as adagrad_of
from trainer.device import eager
from trainer.training.loop import Training, train
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


@pytest.fixture(params=["this torch", "torch 2.11"])
def torch_version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in turn: what this torch has, and what one without a fused Adagrad would have."""
    if request.param == "torch 2.11":
        monkeypatch.setattr("trainer.device.adagrad.has_fused_adagrad", lambda _: False)


@pytest.mark.parametrize("transposed", [False, True])  # how a gradient lies in memory is no matter
@pytest.mark.parametrize("formula", [adam, adagrad, rmsprop])
def test_each_model_has_its_own_rate(
    formula: Callable[[list[float], float], float],
    transposed: bool,
    torch_version: None,
    device: str,
) -> None:
    parameter = torch.nn.Parameter(torch.ones(4, 3, device=device))
    configs = [OptimizerConfig(formula.__name__, lr) for lr in RATES]  # type: ignore[arg-type]
    optimizer = PackedOptimizer({"x": parameter}, configs)
    gradients = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(0)).to(device)
    for gradient in gradients:
        if transposed:
            optimizer.step((parameter.T * gradient.T.contiguous()).sum())
        else:
            optimizer.step((parameter * gradient).sum())
    for k, lr in enumerate(RATES):
        for i in range(3):
            expected = formula(gradients[:, k, i].double().tolist(), lr)
            assert parameter[k, i].item() == pytest.approx(expected, rel=1e-5)


def test_without_a_fused_adagrad_a_model_trains_to_the_same_weights_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [config(optimizer="adagrad", lr=lr, seed=seed) for seed, lr in ((0, 1e-2), (1, 2e-2))]
    fused, lists, cut = (folders(tmp_path / name, 2) for name in ("fused", "lists", "cut"))
    train(runs, Shapes(), fused, device="cpu")
    monkeypatch.setattr("trainer.device.adagrad.has_fused_adagrad", lambda _: False)
    train(runs, Shapes(), lists, device="cpu")
    first = Training(runs, Shapes(), cut, device="cpu")
    while first.step < 30:
        first.advance(0)
    first.save()
    train(runs, Shapes(), cut, device="cpu")
    for one, other, resumed in zip(fused, lists, cut, strict=True):
        assert distance(model(other), model(one)) < 1e-4
        assert distance(model(resumed), model(other)) == 0


def test_a_fused_adagrad_that_is_refused_or_wrong_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu = torch.device("cpu")
    assert adagrad_of.has_fused_adagrad.__wrapped__(cpu)

    class Refused(torch.optim.Adagrad):
        def step(self, closure: object = None) -> None:
            raise RuntimeError("`fused=True` requires all the params to be on a CPU")

    class Wrong(torch.optim.Adagrad):
        def step(self, closure: object = None) -> None:
            return

    for kind in (Refused, Wrong):
        monkeypatch.setattr(adagrad_of, "Adagrad", kind)
        assert not adagrad_of.has_fused_adagrad.__wrapped__(cpu)


@pytest.mark.parametrize("name", ["Adam", "Adagrad", "RMSprop"])
def test_steps_are_those_of_torch_without_its_compiler(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(kind: type[torch.optim.Optimizer]) -> torch.Tensor:
        weights = torch.linspace(-1, 1, 7, requires_grad=True)
        optimizer = kind([{"params": [weights], "lr": 0.1}])  # type: ignore[call-arg]
        for _ in range(3):
            weights.grad = weights.detach().square() - 0.5
            optimizer.step()
        return weights.detach()

    expected = steps(getattr(torch.optim, name))
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # cannot be imported
    assert torch.equal(steps(getattr(eager, name)), expected)
