"""Training learns, records what it did, and keeps to its time."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.trainer.runs import config, folders, history
from tests.trainer.shapes import Shapes
from trainer.errors import UserError
from trainer.files import stamp
from trainer.objectives.objective import Terms
from trainer.training.loop import Training, train


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("levels", [1, 255])
def test_learning_beats_the_best_constant_picture(
    tmp_path: Path, precision: str, levels: int
) -> None:
    data = Shapes(levels=levels)
    train([config(steps=500, precision=precision, lr=3e-3)], data, [tmp_path], device="cpu")
    mean = torch.from_numpy(data.pictures / levels).mean(0)
    entropy = -(torch.xlogy(mean, mean) + torch.xlogy(1 - mean, 1 - mean)).sum().item()
    assert history(tmp_path)["loss"][-1] < 0.8 * entropy


def test_history_averages_the_terms_of_its_windows(tmp_path: Path) -> None:
    steps = 403  # windows of two steps and a last one of one
    training = Training([config(steps=steps)], Shapes(), [tmp_path], device="cpu")
    losses, kls = [], []
    step = training.learner.step

    def watched(number: int) -> Terms:
        terms = step(number)
        losses.append(terms["loss"].item())
        kls.append(terms["kl_per_latent"][0].tolist())
        return terms

    training.learner.step = watched  # type: ignore[method-assign]
    training.advance(60)
    training.finish()
    recorded = history(tmp_path)
    assert recorded["step"] == [*range(2, 403, 2), 403]
    assert recorded["loss"][0] == pytest.approx(sum(losses[:2]) / 2)
    assert recorded["loss"][-1] == pytest.approx(losses[402])
    means = torch.tensor(kls[2:4]).mean(0).tolist()
    assert recorded["kl_per_latent"][1] == pytest.approx(means, rel=1e-5)
    assert recorded["kl"][1] == pytest.approx(sum(means), rel=1e-5)


def test_the_record_tells_what_was_done(tmp_path: Path) -> None:
    data = Shapes()
    paths = folders(tmp_path, 2)
    configs = [config(seed=0), config(seed=1)]
    records = train(configs, data, paths, device="cpu")
    for one, record, path in zip(configs, records, paths, strict=True):
        assert json.loads((path / "training.json").read_text()) == record
        assert record["run"] == one.identity(data.fingerprint)
        assert record["state"] == "finished"
        assert record["reason"] is None
        assert record["steps"] == 60
        assert record["seconds"] > 0
        assert record["data"]["fingerprint"] == data.fingerprint
        assert record["files"] == {
            name: stamp(path / name) for name in ("history.json", "model.safetensors")
        }
        with safe_open(path / "model.safetensors", "pt") as file:
            assert json.loads(file.metadata()["run"])["config"] == record["config"]
    left = {path.name for path in paths[0].iterdir()}
    assert left == {"config.json", "history.json", "model.safetensors", "training.json"}


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_named(tmp_path: Path, device: str) -> None:
    with pytest.raises(UserError, match=f"cannot use device '{device}'"):
        Training([config()], Shapes(), [tmp_path], device=device)


def test_advance_stops_between_steps_and_saves_when_due(tmp_path: Path) -> None:
    training = Training(
        [config(steps=10_000)], Shapes(), [tmp_path], device="cpu", checkpoint_seconds=0
    )
    progress = training.advance(0)
    assert (progress.step, progress.steps) == (1, 10_000)
    assert (tmp_path / "checkpoint-000000001.safetensors").exists()
    assert not training.finished
    assert training.advance(60, steps=3).step == 4
