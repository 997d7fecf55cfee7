"""What a model takes, and how many fit into what is free."""

from pathlib import Path

import pytest
import torch

from tests.trainer.runs import config
from tests.trainer.shapes import Shapes
from trainer.config.run import RunConfig
from trainer.models.pack import Pack
from trainer.training import pack_size as memory

CPU = torch.device("cpu")
GB = 2**30


def parameter_bytes(one: RunConfig, data: Shapes) -> int:
    return sum(p.nbytes for p in Pack(one, 1, data.shape).parameters())


@pytest.mark.parametrize(("optimizer", "arrays"), [("adam", 4), ("adagrad", 3)])
def test_a_wide_model_needs_memory_for_parameters_gradients_and_moments(
    optimizer: str, arrays: int
) -> None:
    one, data = config(architecture="fc1200", optimizer=optimizer, batch_size=1), Shapes(8)
    expected = arrays * parameter_bytes(one, data)
    need = memory.probe(one, data, CPU)
    assert expected < need.model < 1.01 * expected
    assert need.images == 0


def test_what_forward_keeps_grows_with_the_batch() -> None:
    data = Shapes(32)

    def kept(batch: int) -> int:
        one = config(architecture="conv", batch_size=batch)
        need = memory.probe(one, data, CPU)
        arrays = 4 * parameter_bytes(one, data)
        assert need.model - arrays == pytest.approx(memory.KEPT * need.forward, abs=1)
        return need.forward

    more = kept(32) - kept(16)
    assert kept(64) - kept(32) == pytest.approx(2 * more, rel=0.01)
    # the outputs of the convolutions alone: 32x16x16, 32x8x8, 64x4x4, and back
    assert more > 2 * 16 * 4 * (8192 + 2048 + 1024)


def test_a_probe_leaves_nothing_behind_and_needs_no_long_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    memory.probe(config(steps=1), Shapes(), CPU)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("share", "free", "models"), [(1.0, 8, 4), (0.25, 8, 2), (1.0, 0.1, 1)])
def test_the_pack_fits_into_half_of_what_is_free_or_of_the_share(
    monkeypatch: pytest.MonkeyPatch, share: float, free: float, models: int
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: (int(free * GB), 16 * GB))
    monkeypatch.setattr(memory, "probe", lambda *_: memory.Need(GB, 0, 0))
    assert memory.pack_size(config(), Shapes(), CPU, share) == models


@pytest.mark.parametrize(("megabytes", "models"), [(4, 64), (50, 5), (130, 1), (400, 1)])
def test_on_a_cpu_a_pack_is_limited_by_the_caches(
    monkeypatch: pytest.MonkeyPatch, megabytes: int, models: int
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: (900 * GB, 900 * GB))
    monkeypatch.setattr(memory, "probe", lambda *_: memory.Need(GB, megabytes * 2**20, 0))
    assert memory.pack_size(config(), Shapes(), CPU) == models


def test_images_on_the_device_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: (10 * GB, 16 * GB))
    assert memory.fitting(memory.Need(GB, 0, 3 * GB), CPU) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpus_allocator_tells_the_memory_of_a_model() -> None:
    one, data = config(architecture="fc1200", batch_size=1), Shapes(8)
    need = memory.probe(one, data, torch.device("cuda"))
    assert need.images == data.stored().nbytes
    assert 4 * parameter_bytes(one, data) <= need.model < 6 * parameter_bytes(one, data)
