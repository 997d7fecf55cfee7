"""Small run configurations, and runs read back, for the tests."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig


def config(*, lr: float = 1e-3, optimizer: str = "adam", **changes: Any) -> RunConfig:
    defaults: dict[str, Any] = {
        "dataset": DatasetConfig("rectangles"),
        "architecture": "mlp",
        "latents": 3,
        "batch_size": 16,
        "steps": 60,
    }
    return RunConfig(**(defaults | changes), optimizer=OptimizerConfig(optimizer, lr))  # type: ignore[arg-type]


def folders(root: Path, count: int) -> list[Path]:
    return [root / f"run{number}" for number in range(count)]


def model(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def history(folder: Path) -> dict[str, list]:
    return json.loads((folder / "history.json").read_text())


def distance(these: dict[str, Tensor], those: dict[str, Tensor]) -> float:
    """The largest |a - b| / |b| over the arrays of two models.

    Of whole arrays, since Adam turns the rounding of a gradient near zero into a step of any sign.
    """
    return max(((these[name] - b).norm() / b.norm()).item() for name, b in those.items())
