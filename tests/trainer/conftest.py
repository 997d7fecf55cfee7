"""Narrow networks for the trainer's tests: they are about bits, not speed."""

from pathlib import Path

import pytest
import torch

from trainer.architectures import ARCHITECTURES


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES.places, "mlp", "tests.trainer.narrow:mlp")


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, as SWEEP_CACHE."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SWEEP_CACHE", str(folder))
    return folder


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """A kind of device, each in turn; those that this machine lacks are skipped."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    return str(request.param)
