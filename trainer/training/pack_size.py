"""How many models a pack should have: from one model's measured needs and free memory."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset
from trainer.device.memory import free_memory
from trainer.training.loop import Training

PROBE_STEPS = 3  # optimisers create their moments in the first
# The kernel kills a process that runs out of memory without warning; a GPU's allocator raises an
# error, and the pack is halved. So more is kept free in main memory than on a GPU.
USABLE = {"cpu": 0.5, "cuda": 0.9}
KEPT = 1.5  # peak of a step relative to what forward keeps: 1.2 to 1.5 by torch.profiler
# If forward keeps more than this, a layer's output leaves a CPU's caches before the next layer
# reads it, and a pack is slower than its models one by one: tests.benchmarks.scaling.
IN_CACHES = 2**28


@dataclass(frozen=True)
class Need:
    """Bytes that training needs.

    model: of one model. forward: the part that the forward pass keeps for the backward pass; 0 on a
    GPU, where it is not counted separately. images: shared by the pack.
    """

    model: int
    forward: int
    images: int


def pack_size(config: RunConfig, data: Dataset, device: torch.device, share: float = 1.0) -> int:
    """The largest number of models of `config` that fit into memory in one pack, at least 1; on a
    CPU, no more than train fast.

    share: the fraction of the machine's or GPU's memory that this process may use, in (0, 1]; never
        more than is free.
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
