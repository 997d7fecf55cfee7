"""What a run was trained on, for its record: it decides how long that took, not what came out."""

import os
import platform
from typing import Any

import torch


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


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int | None:
    """Of the machine, in bytes; of the container where that has less."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:
                return min(whole, int(file.read()))
        except (OSError, ValueError):  # no container, or one without a limit ("max")
            continue
    return whole
