"""Mistakes that would show only in training or scoring are told when the file is read."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.sweepfile import load_spec
from tests.sweeps.made_up import a_spec
from trainer.config.schema import FieldError
from trainer.errors import UserError


@pytest.mark.parametrize(
    ("metric", "options", "problem"),
    [
        ("mig", {"points": -5}, "evaluation.mig.points: expected 1 to"),
        ("mig", {"bins": 0}, "evaluation.mig.bins: expected 2 to"),
        ("mig", {"points": 10**12}, "evaluation.mig.points: expected 1 to"),
        ("higgins", {"pairs": 0}, "evaluation.higgins.pairs: expected 1 to"),
        ("higgins", {"pairs": 10**6}, "evaluation.higgins.pairs: expected 1 to 1,000, got"),
        ("higgins", {"seed": -1}, "evaluation.higgins.seed: expected 0 to"),
        (
            "irs",
            {"quantile": 2.0},
            "evaluation.irs.quantile: expected a positive number, at most 1",
        ),
        ("sap", {"C": -1.0}, "evaluation.sap.C: expected a positive number"),
        ("udr", {"threshold": -0.1}, "evaluation.udr.threshold: expected 0 or more"),
        ("higgins", {"factors": ["posX", "posX"]}, "evaluation.higgins.factors: posX is listed"),
    ],
)
def test_options_of_metrics(metric: str, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(FieldError, match=problem):
        a_spec(evaluation={metric: options})


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            {"parameters": {"beta": {"values": [1, 1e308]}}},
            r"parameters.beta.values\[1\]: .* 1e\+30",
        ),
        (
            {"parameters": {"beta": {"value": 1}, "latents": {"values": [2, 10**18]}}},
            r"parameters.latents.values\[1\]: expected at most 100,000",
        ),
        ({"trainer": {"steps": 10**12}}, "trainer.steps: expected at most 1,000,000,000"),
        ({"parameters": {}}, "parameters: expected a mapping of parameters"),
        ({"resources": {"cpu": 0.00001}}, "resources.cpu: expected 0, or 0.001 or more, got 1e-05"),
        ({"resources": {"gpu": 1.5}}, "resources.gpu: above 1, expected an integer, got 1.5"),
        (
            {"trainer": {"optimizer": {"name": "rmsprop", "lr": 1e39}}},
            r"trainer.optimizer.lr: expected at most 1e\+30",
        ),
        (
            {"trainer": {"objective": {"name": "beta_tcvae", "gamma": 1e39}}},
            r"trainer.objective.gamma: expected at most 1e\+30",
        ),
    ],
)
def test_models_that_no_machine_can_train(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(FieldError, match=problem):
        a_spec(**keys)


def test_the_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "name: x\ndataset: dsprites\nparameters: {beta: {value: 1}}\n"
        "evaluation:\n  mig:\n    bins: 0\n"
    )
    with pytest.raises(UserError) as caught:
        load_spec(file)
    assert str(caught.value).startswith(f"{file}:6: evaluation.mig.bins: expected 2 to")
