"""What a part of the benchmark is given: where to write, on what to run, and how long."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.gpu.form import Form
from trainer.files import write_json


@dataclass(frozen=True)
class Part:
    """One part at work.

    out: the folder for what comes of it. end: of its time, as time.monotonic() has it.
    """

    name: str
    out: Path
    device: torch.device
    form: Form
    end: float

    @property
    def left(self) -> float:
        """Seconds that it still has."""
        return self.end - time.monotonic()

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU."""
        return self.device.type == "cuda"

    def write(self, figures: dict[str, Any]) -> None:
        """Writes all that the part has found so far."""
        write_json(self.out / f"{self.name}.json", {**machine(self.device), **figures})


def machine(device: torch.device) -> dict[str, Any]:
    """What was measured, and with what."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {"card": name, "torch": torch.__version__, "date": time.strftime("%Y-%m-%d")}


def synchronize(device: torch.device) -> None:
    """Waits until a device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
