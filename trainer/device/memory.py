"""How much memory is available on the GPU, or to this process's control groups."""

import os
from pathlib import Path

import torch

CGROUPS = Path("/sys/fs/cgroup")


def free_memory(device: torch.device) -> tuple[int, int]:
    """Free and total bytes: of the GPU, or within this process's control groups."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info(device)
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return pages // 2, pages  # not on Linux: half, since free memory is unknown
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    free, total = (int(lines[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    for limit, used in limits(CGROUPS, Path("/proc/self/cgroup")):
        free, total = min(free, max(0, limit - used)), min(total, limit)
    return free, total


def limits(root: Path, of_process: Path) -> list[tuple[int, int]]:
    """Limit and use in bytes of each control group (v1 or v2) that the process is in."""
    if not of_process.exists():
        return []
    found = []
    for line in of_process.read_text().splitlines():
        _, kinds, own = line.split(":", 2)
        if kinds == "":
            found += _limits(root, own, _V2)
        elif "memory" in kinds.split(","):
            found += _limits(root / "memory", own, _V1)
    return found


# files with the limit and the use, and the key of memory that can be reclaimed
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _limits(root: Path, own: str, names: tuple[str, str, str]) -> list[tuple[int, int]]:
    # in a container the path may be the host's, with the container's own group at the root
    groups = [root / own.lstrip("/"), *(root / own.lstrip("/")).parents]
    limits = []
    for group in groups[: groups.index(root) + 1]:
        try:
            limit = int((group / names[0]).read_text())  # "max" if there is none
            statistics = dict(
                line.split() for line in (group / "memory.stat").read_text().splitlines()
            )
            used = int((group / names[1]).read_text()) - int(statistics[names[2]])
            limits.append((limit, used))
        except (OSError, ValueError, KeyError):
            continue
    return limits
