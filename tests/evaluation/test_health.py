"""What is said of a model's health: live latents, still falling losses, the mean image."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.evaluate_runs import evaluate
from evaluation.health import health, live, read_history, still_falling
from evaluation.identity import evaluation_id
from evaluation.likelihood import likelihood
from tests.evaluation.trained import QUICK, config, sprites, train_in
from trainer.config.run import OptimizerConfig
from trainer.models import load_pack

NOISE = np.random.default_rng(0).normal(size=200)


@pytest.mark.parametrize("records", [12, 200])
def test_a_loss_that_still_falls_is_told_apart_from_one_that_does_not(records: int) -> None:
    step, noise = np.arange(records), NOISE[:records]
    assert still_falling(list(200 - 100 * step / records + noise))
    settled = 100 * np.exp(-step * 40 / records)
    assert not still_falling(list(50 + settled + 0.3 * noise))
    assert not still_falling(list(50 + 0 * step))
    assert still_falling([3.0, 2.0, 1.0])  # of three steps nothing else can be said


def test_a_latent_at_the_prior_or_the_same_for_all_images_is_not_live() -> None:
    kl, information = np.array([2.0, 0.004, 0.5]), np.array([1.9, 0.004, 0.002])
    assert live(kl, information).tolist() == [True, False, False]
    found = health(np.zeros(3, bool), 1.0, None)
    assert found.collapsed and found.live_latents == 0 and found.worse_than_mean_image
    assert not health(np.ones(3, bool), 3.0, None, reconstructs=False).worse_than_mean_image


def test_collapsed_runs_score_chance_and_are_reported(tmp_path: Path) -> None:
    """β = 3,000 leaves every latent at the prior; what its means still do must not be read."""
    data = sprites()
    options = {"optimizer": OptimizerConfig("adam", 3e-3), "steps": 150}
    folders = train_in(tmp_path, config(beta=3000.0, **options), config(beta=0.01, **options))
    evaluation = QUICK | {"factorvae": {"train": 300, "test": 300}, "mig": {}}
    collapsed, live_one = evaluate(folders, data, evaluation, "cpu")
    identity = evaluation_id(evaluation, data)
    assert collapsed["health"]["collapsed"] and collapsed["health"]["live_latents"] == 0
    assert collapsed["health"]["worse_than_mean_image"]
    measures = collapsed["evaluations"][identity]["measures"]
    assert abs(measures["higgins"]["score"] - 0.25) < 0.06
    assert measures["factorvae"]["score"] == measures["factorvae"]["chance"]
    assert measures["mig"]["score"] == 0
    factors = collapsed["evaluations"][identity]["factors"]
    assert all(of["known"] < 0.1 and of["best_latent"] < 0.1 for of in factors.values())

    assert live_one["health"]["live_latents"] > 0 and not live_one["health"]["collapsed"]
    figures = live_one["evaluations"][identity]
    assert figures["factors"].keys() == data.factors.keys()
    assert figures["factors"]["posX"]["known"] > 0.1
    for name in evaluation:
        low = figures["measures"][name]["floor"]
        assert low["shuffles"] == 2 and low["spread"] >= 0
    assert abs(figures["measures"]["higgins"]["floor"]["mean"] - 0.25) < 0.06
    written = json.loads((folders[1] / "result.json").read_text())
    assert live_one == {key: value for key, value in written.items() if key != "checksum"}


def test_the_mean_image_is_what_reconstructions_are_measured_by(tmp_path: Path) -> None:
    data = sprites()
    [folder] = train_in(tmp_path, config(steps=5))
    pack = load_pack([folder])
    x = torch.from_numpy(data.images(np.arange(len(data)))).float()
    pack.decode = lambda z: torch.logit(x.mean(0), 1e-6).expand(*z.shape[:2], *data.shape)  # type: ignore[method-assign]
    assert likelihood(pack, data).relative_error[0] == pytest.approx(1, abs=1e-4)


def test_nothing_else_is_reported_of_a_diverged_run(tmp_path: Path) -> None:
    [folder] = train_in(tmp_path, config(optimizer=OptimizerConfig("adam", 1e30)))
    [result] = evaluate([folder], sprites(), QUICK, "cpu")
    assert result["health"]["diverged"] and not result["health"]["collapsed"]
    assert read_history(tmp_path / "nowhere") is None
