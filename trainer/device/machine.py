"""What a run was trained on, for its record: it decides how long that took, not what came out."""

import platform
from typing import Any

import torch

from trainer.device.cores import cores
from trainer.device.memory import free_memory


def machine(device: torch.device) -> dict[str, Any]:
    """Cores that this process may use, memory in bytes, and the card's where there is one.

    card_memory is of the whole card, also where other processes share it; memory is None where the
    system does not say.
    """
    found: dict[str, Any] = {
        "cores": cores(),
        "memory": _memory(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if device.type == "cuda":
        found["card_memory"] = torch.cuda.get_device_properties(device).total_memory
    return found


def _memory() -> int | None:
    """Of the machine, in bytes; of the container where that has less."""
    try:
        return free_memory(torch.device("cpu"))[1]
    except (ValueError, OSError, AttributeError):
        return None
