"""What a run was trained on, for its record: it affects how long training took, not the result."""

import platform
from typing import Any

import torch

from trainer.device.cores import cores
from trainer.device.memory import free_memory


def machine(device: torch.device) -> dict[str, Any]:
    """Cores that this process may use, memory in bytes, and the GPU's memory if there is one.

    card_memory is the whole GPU's, even if other processes share it; memory is None if unknown.
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
    """The machine's memory in bytes, or the container's if that is less."""
    try:
        return free_memory(torch.device("cpu"))[1]
    except (ValueError, OSError, AttributeError):
        return None
