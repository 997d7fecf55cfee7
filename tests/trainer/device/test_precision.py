"""Precisions: what a device offers, how torch is told, and what `auto` comes to."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.trainer.runs import config, distance, folders, model
from tests.trainer.shapes import Shapes
from trainer.config.run import Precision
from trainer.device import precision
from trainer.device.precision import computing, offered
from trainer.training import fastest_precision as speed
from trainer.training.loop import Training, train
from trainer.training.packing import Series

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
BOTH: tuple[Precision, ...] = ("fp32", "bf16")


def switches() -> tuple[str, str, bool]:
    return (
        torch.backends.cuda.matmul.fp32_precision,
        torch.backends.cudnn.conv.fp32_precision,
        torch.backends.cudnn.deterministic,
    )


def offer(monkeypatch: pytest.MonkeyPatch, *precisions: Precision) -> None:
    """From now on, every device offers these."""
    for module in ("trainer.training.fastest_precision", "trainer.training.loop"):
        monkeypatch.setattr(f"{module}.offered", lambda _: precisions)


def slow_down(monkeypatch: pytest.MonkeyPatch, slow: Precision) -> list[Precision]:
    """A step in `slow` takes twice as long; what took a step is appended to what is returned."""
    advance, taken = Training.advance, []
    monkeypatch.setattr(speed, "time", SimpleNamespace(perf_counter=lambda: sum(map(cost, taken))))

    def cost(precision: Precision) -> float:
        return 2.0 if precision == slow else 1.0

    def watched(self: Training, seconds: float, most: int | None = None) -> object:
        taken.append(self.pack.precision)
        return advance(self, seconds, most)

    monkeypatch.setattr(Training, "advance", watched)
    return taken


@pytest.mark.parametrize(("kind", "expected"), [("tf32", "tf32"), ("fp32", "ieee")])
def test_a_gpus_switches_are_set_within_and_put_back(kind: Precision, expected: str) -> None:
    before = switches()
    with pytest.raises(KeyError), computing(kind, CUDA):
        assert switches() == (expected, expected, True)
        raise KeyError
    assert switches() == before
    with computing(kind, CPU):
        assert switches() == before


@pytest.mark.parametrize(
    ("has", "expected"), [({}, ("fp32",)), ({"amx_bf16": True}, BOTH), ({"avx512_bf16": 1}, BOTH)]
)
def test_a_cpu_offers_bf16_where_it_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, has: dict[str, bool], expected: tuple[Precision, ...]
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert offered(CPU) == expected


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), ("fp32",)), ((8, 0), ("tf32", "bf16"))]
)
def test_a_gpu_offers_what_its_tensor_cores_multiply(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: tuple[Precision, ...]
) -> None:
    monkeypatch.setattr(precision.torch.cuda, "get_device_capability", lambda _: capability)
    assert offered(CUDA) == expected


@pytest.mark.parametrize(("slow", "fast"), [BOTH, BOTH[::-1]])
def test_auto_is_the_fastest_and_trains_as_if_it_were_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: Precision, fast: Precision
) -> None:
    offer(monkeypatch, *BOTH)
    taken = slow_down(monkeypatch, slow)
    series = Series([config(precision="auto")], Shapes(), [tmp_path / "auto"], device="cpu")
    assert set(taken) == set(BOTH)
    while not series.finished:
        series.advance(60)
    [record] = series.finish()
    assert (record["config"]["precision"], record["precision"]) == ("auto", fast)
    [named] = train([config(precision=fast)], Shapes(), [tmp_path / "named"], device="cpu")
    assert named["run"] != record["run"]
    assert distance(model(tmp_path / "auto"), model(tmp_path / "named")) == 0


def test_of_equally_fast_precisions_the_more_exact_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, *BOTH)
    monkeypatch.setattr(speed, "step_seconds", lambda *given: 1 if given[-1] == "fp32" else 0.97)
    assert speed.fastest([config(precision="auto")], Shapes(), CPU) == "fp32"


def test_nothing_is_measured_where_there_is_no_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, "fp32")
    taken = slow_down(monkeypatch, "bf16")
    Series([config(precision="auto")], Shapes(), [tmp_path], device="cpu")
    assert not taken


def test_a_run_continues_in_the_precision_it_started_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, *BOTH)
    broken, whole = folders(tmp_path, 2)
    one = config(precision="auto")
    first = Training([one], Shapes(), [broken], device="cpu", precision="bf16")
    while first.step < 20:
        first.advance(0)
    first.save()
    slow_down(monkeypatch, "bf16")  # another machine, say
    series = Series([one], Shapes(), [broken], device="cpu")
    while not series.finished:
        series.advance(60)
    [record] = series.finish()
    assert record["precision"] == "bf16"
    train([config(precision="bf16")], Shapes(), [whole], device="cpu")
    assert distance(model(broken), model(whole)) == 0


@pytest.mark.parametrize("other", ["tf32", "bf16"])
def test_other_precisions_train_to_nearly_the_same_loss(tmp_path: Path, other: Precision) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    losses = []
    for kind in ("fp32", other):
        training = Training(
            [config(precision=kind, steps=200)], Shapes(), [tmp_path / kind], device=device
        )
        losses.append(training.advance(60).loss[0])
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert (losses[1] == losses[0]) == (device == "cpu" and other == "tf32")
