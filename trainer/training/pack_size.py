"""How many models a pack should have: from one model's needs, measured, and free memory."""

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset
from trainer.training.loop import Training

PROBE_STEPS = 3  # optimisers create their moments in the first
# The kernel kills a process that runs out of memory, without warning; a GPU's allocator raises an
# error, and the pack is halved. So more room is left on a machine than on a GPU.
USABLE = {"cpu": 0.5, "cuda": 0.9}
KEPT = 1.5  # peak of a step relative to what forward keeps: 1.2 to 1.5 by torch.profiler
# Where forward keeps more than this, a layer's output leaves a CPU's caches before the next layer
# reads it, and a pack is slower than its models one by one: tests.benchmarks.scaling.
IN_CACHES = 2**28
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Need:
    """Bytes that training needs.

    model: of one model. forward: the part that its forward pass keeps for the backward pass; 0 on a
    GPU, where it is not counted separately. images: shared by the pack.
    """

    model: int
    forward: int
    images: int


def pack_size(config: RunConfig, data: Dataset, device: torch.device, share: float = 1.0) -> int:
    """The most models of `config` that a pack should have, at least 1: as many as fit into memory
    and, on a CPU, as train fast.

    share: the fraction of the machine's or GPU's memory that this process may use, above 0, at most
        1; never more than is free.
    """
    need = probe(config, data, device)
    size = fitting(need, device, share)
    if need.forward:
        size = min(size, IN_CACHES // need.forward)
    return max(1, size)


def fitting(need: Need, device: torch.device, share: float = 1.0) -> int:
    """How many models fit into free memory; `share` as for `pack_size`."""
    free, total = free_memory(device)
    usable = min(free, int(share * total)) * USABLE.get(device.type, USABLE["cpu"])
    return max(0, int((usable - need.images) // need.model))


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
    """Limit and use in bytes of each control group, of both versions, that the process is in."""
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
            limit = int((group / names[0]).read_text())  # "max" where there is none
            statistics = dict(
                line.split() for line in (group / "memory.stat").read_text().splitlines()
            )
            used = int((group / names[1]).read_text()) - int(statistics[names[2]])
            limits.append((limit, used))
        except (OSError, ValueError, KeyError):
            continue
    return limits


def probe(config: RunConfig, data: Dataset, device: torch.device) -> Need:
    """Trains one model for a few steps to measure its needs."""
    config = replace(config, steps=max(config.steps, PROBE_STEPS + 1))
    on_gpu = device.type == "cuda"
    before = torch.cuda.memory_allocated(device) if on_gpu else 0
    with tempfile.TemporaryDirectory() as folder:
        training = Training(
            [config], data, [Path(folder)], device=str(device), checkpoint_seconds=float("inf")
        )
        if not on_gpu:
            return _counted(training)
        torch.cuda.reset_peak_memory_stats(device)
        for _ in range(PROBE_STEPS):
            training.advance(0)
    images = data.stored().nbytes
    return Need(torch.cuda.max_memory_allocated(device) - before - images, 0, images)


def _counted(training: Training) -> Need:
    """The size of one model's arrays on a CPU, whose allocator keeps no count.

    Parameters, their gradients and moments, and the arrays that forward keeps for backward. The
    images are a memory-mapped file.
    """
    kept: dict[int, int] = {}
    states = {p.untyped_storage().data_ptr() for p in training.parameters.values()}

    def keep(array: Tensor) -> Tensor:
        storage = array.untyped_storage()
        if storage.data_ptr() not in states:
            kept[storage.data_ptr()] = storage.nbytes()
        return array

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda array: array):
        training.advance(0)
    parameters = sum(p.nbytes for p in training.parameters.values())
    moments = max(len(o.moments) for o in training.learner.optimizers.values())
    forward = sum(kept.values())
    return Need(int(parameters * (2 + moments) + KEPT * forward), forward, images=0)
