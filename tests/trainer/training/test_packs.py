"""A pack changes speed, never results."""

from pathlib import Path

import pytest
import torch

from tests.trainer.runs import config, distance, folders, history, model
from tests.trainer.shapes import Shapes
from trainer.architectures import ARCHITECTURES
from trainer.errors import UserError
from trainer.training.loop import Training, train


@pytest.mark.parametrize(
    ("architecture", "optimizer", "objective", "side"),
    [
        ("mlp", "adam", "beta_vae", 12),
        ("mlp", "adagrad", "beta_vae", 12),
        ("mlp", "adam", "beta_tcvae", 12),
        ("mlp", "adam", "isa_vae", 12),
        ("mlp", "adam", "factor_vae", 12),
        ("conv", "adam", "beta_vae", 32),
    ],
)
def test_after_200_steps_a_model_in_a_pack_equals_the_model_on_its_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    architecture: str,
    optimizer: str,
    objective: str,
    side: int,
) -> None:
    monkeypatch.setitem(ARCHITECTURES.places, "conv", "tests.trainer.narrow:conv")
    data = Shapes(side)
    options = {"isa_vae": {"subspaces": 3}, "factor_vae": {"width": 32}}
    configs = [
        config(
            architecture=architecture,
            optimizer=optimizer,
            objective=objective,
            objective_options=options.get(objective, {}),
            steps=200,
            batch_size=8,
            seed=seed,
            beta=beta,
            lr=lr,
        )
        for seed, beta, lr in [(0, 1.0, 1e-3), (1, 4.0, 1e-3), (7, 0.5, 2e-3)]
    ]
    packed, alone = folders(tmp_path / "pack", 3), folders(tmp_path / "alone", 3)
    train(configs, data, packed, device=device)
    for one, folder in zip(configs, alone, strict=True):
        train([one], data, [folder], device=device)
    for in_pack, by_itself in zip(packed, alone, strict=True):
        torch.testing.assert_close(
            history(in_pack)["loss"], history(by_itself)["loss"], rtol=1e-4, atol=0
        )
        assert distance(model(in_pack), model(by_itself)) < 1e-4


def test_models_of_a_pack_differ_by_seed_and_by_beta(tmp_path: Path) -> None:
    configs = [config(seed=0), config(seed=1), config(seed=0, beta=8.0)]
    paths = folders(tmp_path, 3)
    train(configs, Shapes(), paths, device="cpu")
    losses = [history(path)["loss"][-1] for path in paths]
    assert len(set(losses)) == 3
    assert history(paths[0])["kl"][-1] > history(paths[2])["kl"][-1]  # beta presses the KL down


def test_only_the_model_that_becomes_nan_fails_and_its_neighbours_keep_their_bits(
    tmp_path: Path, device: str
) -> None:
    def run(root: Path, middle_lr: float) -> tuple[list[Path], list[dict]]:
        configs = [config(seed=0), config(seed=1, lr=middle_lr), config(seed=2)]
        paths = folders(root, 3)
        return paths, train(configs, Shapes(), paths, device=device)

    sound, records = run(tmp_path / "sound", 2e-3)
    broken, broken_records = run(tmp_path / "broken", 1e12)
    assert [record["state"] for record in records] == ["finished"] * 3
    assert [record["state"] for record in broken_records] == ["finished", "failed", "finished"]
    for number in (0, 2):
        for name, array in model(sound[number]).items():
            assert torch.equal(array, model(broken[number])[name])
    failed = broken_records[1]
    assert failed["reason"].startswith("loss is not finite at step ")
    step = int(failed["reason"].split()[-1])
    assert all(recorded < step for recorded in history(broken[1])["step"])
    assert not (broken[1] / "model.safetensors").exists()


def test_a_failure_is_dated_to_the_first_step_whose_loss_is_not_finite(tmp_path: Path) -> None:
    training = Training(
        [config(seed=0, steps=1000), config(seed=1, steps=1000)],
        Shapes(),
        folders(tmp_path, 2),
        device="cpu",
    )
    while training.step < 13:  # records are made every five steps
        training.advance(0)
    with torch.no_grad():
        next(training.pack.encoder.parameters())[1].fill_(torch.nan)
    while training.step < 15:
        progress = training.advance(0)
    assert progress.failed == (None, 14)
    assert progress.loss[0] is not None
    assert progress.loss[1] is None


def test_a_pack_whose_models_have_all_failed_stops(tmp_path: Path) -> None:
    training = Training([config(lr=1e12, steps=5000)], Shapes(), [tmp_path], device="cpu")
    training.advance(seconds=60)
    assert training.finished
    assert training.step < 5000
    assert training.finish()[0]["state"] == "failed"


def test_models_that_differ_in_more_than_seed_beta_and_rate_make_no_pack(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"differ only in seed, beta and optimizer\.lr"):
        Training([config(latents=3), config(latents=4)], Shapes(), folders(tmp_path, 2))
