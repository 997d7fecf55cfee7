"""Tiny models, really trained, for the tests of the evaluation."""

from pathlib import Path
from typing import Any

from trainer.config.run import DatasetConfig, OptimizerConfig, RunConfig
from trainer.data import load
from trainer.data.dataset import Dataset
from trainer.training.loop import train

OPTIONS = {"size": 16, "factors": {"orientation": 4, "posX": 8, "posY": 8}}
QUICK = {"higgins": {"train": 300, "test": 300}}


def sprites(**more: Any) -> Dataset:
    """4,608 small sprites."""
    return load("dsprites", **OPTIONS, **more)


def config(**changes: Any) -> RunConfig:
    defaults: dict[str, Any] = {
        "dataset": DatasetConfig("dsprites", OPTIONS),
        "architecture": "mlp",
        "latents": 3,
        "batch_size": 32,
        "steps": 40,
        "optimizer": OptimizerConfig("adam", 1e-3),
    }
    return RunConfig(**(defaults | changes))


def train_in(root: Path, *configs: RunConfig) -> list[Path]:
    """Trains a pack; each run's folder is named by its id."""
    data = sprites()
    folders = [root / c.identity(data.fingerprint) for c in configs]
    train(configs, data, folders, device="cpu")
    return folders
