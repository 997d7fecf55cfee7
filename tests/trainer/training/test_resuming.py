"""Killed at any moment, a run continues as if it had never stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.trainer.runs import config, distance, folders, history, model
from tests.trainer.shapes import Shapes
from trainer.config.run import RunConfig
from trainer.errors import UserError
from trainer.training import checkpoints
from trainer.training.loop import Training, train


def pack(optimizer: str = "adam", steps: int = 150) -> list[RunConfig]:
    return [
        config(seed=seed, lr=lr, optimizer=optimizer, steps=steps, beta=beta)
        for seed, lr, beta in [(0, 1e-3, 1.0), (1, 1e-3, 4.0), (2, 3e-3, 4.0)]
    ]


def advance_to(training: Training, step: int) -> None:
    while training.step < step:
        training.advance(0)


def assert_same_bits(these: list[Path], those: list[Path]) -> None:
    for this, that in zip(these, those, strict=True):
        assert history(this) == history(that)
        for name, array in model(this).items():
            assert torch.equal(array, model(that)[name]), name


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "rmsprop"])
@pytest.mark.parametrize("moments", [(1,), (64,), (37, 38, 101)])
def test_resuming_is_bitwise_exact(
    tmp_path: Path, optimizer: str, moments: tuple[int, ...]
) -> None:
    straight, broken = folders(tmp_path / "straight", 3), folders(tmp_path / "broken", 3)
    train(pack(optimizer), Shapes(), straight, device="cpu")
    for moment in moments:
        training = Training(pack(optimizer), Shapes(), broken, device="cpu")
        advance_to(training, moment)
        training.save()
        advance_to(training, min(moment + 5, 150))  # lost: it is killed here
    train(pack(optimizer), Shapes(), broken, device="cpu")
    assert_same_bits(straight, broken)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("architecture", ["mlp", "fc1200", "conv"])
@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_this_holds_on_a_gpu_though_another_graph_is_recorded(
    tmp_path: Path, architecture: str, precision: str
) -> None:
    runs = [
        config(seed=seed, steps=60, architecture=architecture, precision=precision)
        for seed in range(3)
    ]
    straight, broken = folders(tmp_path / "straight", 3), folders(tmp_path / "broken", 3)
    train(runs, Shapes(32), straight, device="cuda")
    training = Training(runs, Shapes(32), broken, device="cuda")
    advance_to(training, 37)
    training.save()
    train(runs, Shapes(32), broken, device="cuda")
    assert_same_bits(straight, broken)


def test_history_within_a_window_survives_a_restart(tmp_path: Path) -> None:
    straight, broken = folders(tmp_path / "straight", 3), folders(tmp_path / "broken", 3)
    train(pack(steps=450), Shapes(), straight, device="cpu")
    training = Training(pack(steps=450), Shapes(), broken, device="cpu")
    advance_to(training, 101)  # windows are of two steps
    training.save()
    train(pack(steps=450), Shapes(), broken, device="cpu")
    assert_same_bits(straight, broken)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-50] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [truncate, flip_a_bit, empty, Path.unlink])
def test_a_torn_checkpoint_falls_back_to_the_one_before(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    paths = folders(tmp_path / "broken", 3)
    training = Training(pack(), Shapes(), paths, device="cpu")
    for moment in (20, 40, 60):
        advance_to(training, moment)
        training.save()
    kept = sorted(path.name for path in paths[1].glob("checkpoint-*"))
    assert kept == ["checkpoint-000000040.safetensors", "checkpoint-000000060.safetensors"]
    harm(paths[1] / kept[1])
    assert Training(pack(), Shapes(), paths, device="cpu").step == 40
    straight = folders(tmp_path / "straight", 3)
    train(pack(), Shapes(), straight, device="cpu")
    train(pack(), Shapes(), paths, device="cpu")
    assert_same_bits(straight, paths)


def test_without_an_intact_checkpoint_training_starts_over(tmp_path: Path) -> None:
    paths = folders(tmp_path, 3)
    training = Training(pack(), Shapes(), paths, device="cpu")
    advance_to(training, 20)
    training.save()
    truncate(paths[0] / "checkpoint-000000020.safetensors")
    assert Training(pack(), Shapes(), paths, device="cpu").step == 0


def test_a_checkpoint_of_another_run_is_not_used(tmp_path: Path) -> None:
    training = Training([config(beta=1.0)], Shapes(), [tmp_path], device="cpu")
    training.advance(0)
    training.save()
    assert Training([config(beta=2.0)], Shapes(), [tmp_path], device="cpu").step == 0


def test_packs_can_be_regrouped(tmp_path: Path) -> None:
    paths = folders(tmp_path / "broken", 3)
    training = Training(pack(), Shapes(), paths, device="cpu")
    advance_to(training, 50)
    training.save()
    for one, path in zip(pack(), paths, strict=True):
        resumed = Training([one], Shapes(), [path], device="cpu")
        assert resumed.step == 50
        resumed.advance(60)
        resumed.finish()
    straight = folders(tmp_path / "straight", 3)
    train(pack(), Shapes(), straight, device="cpu")
    for this, that in zip(paths, straight, strict=True):
        assert distance(model(this), model(that)) < 1e-4


def test_finished_runs_are_not_trained_again(tmp_path: Path) -> None:
    paths = folders(tmp_path, 3)
    first = train(pack(), Shapes(), paths, device="cpu")
    before = (paths[0] / "model.safetensors").stat().st_mtime_ns
    (paths[1] / "training.json").unlink()
    training = Training(pack(), Shapes(), paths, device="cpu")
    assert training.pack.size == 1
    training.advance(60)
    records = training.finish()
    assert [record["run"] for record in records] == [record["run"] for record in first]
    assert records[0] == first[0]
    assert (paths[0] / "model.safetensors").stat().st_mtime_ns == before
    assert Training(pack(), Shapes(), paths, device="cpu").finished
    assert train(pack(), Shapes(), paths, device="cpu") == records
    assert not list(tmp_path.glob("*/checkpoint-*"))


def test_a_record_whose_files_are_gone_does_not_count(tmp_path: Path) -> None:
    train([config()], Shapes(), [tmp_path], device="cpu")
    (tmp_path / "model.safetensors").unlink()
    assert not Training([config()], Shapes(), [tmp_path], device="cpu").finished


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    with pytest.raises(UserError, match=r"cannot write .*a file"):
        Training([config()], Shapes(), [blocked / "run"], device="cpu")


def test_a_full_disk_is_named_and_leaves_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training([config()], Shapes(), [tmp_path], device="cpu")
    training.advance(0)
    training.save()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    training.advance(0)
    with monkeypatch.context() as patch, pytest.raises(UserError, match="No space left on device"):
        patch.setattr("os.fsync", full)
        training.save()
    assert [path.name for path in tmp_path.glob("*checkpoint*")] == [
        "checkpoint-000000001.safetensors"
    ]
    assert Training([config()], Shapes(), [tmp_path], device="cpu").step == 1


def test_finishing_too_early_is_refused(tmp_path: Path) -> None:
    training = Training([config()], Shapes(), [tmp_path], device="cpu")
    with pytest.raises(RuntimeError, match="step 0 of 60"):
        training.finish()


def test_deleting_leaves_other_files(tmp_path: Path) -> None:
    checkpoints.write(
        tmp_path, checkpoints.Checkpoint("run", 3, 0.5, None, "fp32", {"a": torch.ones(2)})
    )
    (tmp_path / "config.json").write_text("{}")
    checkpoints.delete(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
