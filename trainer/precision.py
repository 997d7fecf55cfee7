"""In which precision layers multiply: what a device is fast at, and how torch is told."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from trainer.config import Precision

TENSOR_CORES = (8, 0)  # compute capability from which a GPU has TF32 and bf16
BF16_ON_CPU = ("amx_bf16", "avx512_bf16")  # without these, bf16 takes a CPU longer than fp32


def offered(device: torch.device) -> tuple[Precision, ...]:
    """The precisions that may be the fastest on a device, the most exact first."""
    if device.type == "cuda":
        has_cores = torch.cuda.get_device_capability(device) >= TENSOR_CORES
        return ("tf32", "bf16") if has_cores else ("fp32",)
    has_bf16 = any(torch.cpu.get_capabilities().get(name) for name in BF16_ON_CPU)
    return ("fp32", "bf16") if device.type == "cpu" and has_bf16 else ("fp32",)


@contextmanager
def multiplying(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within it, a GPU multiplies and convolves numbers of 32 bits as they are, or in TF32.

    Left to itself, torch takes TF32 for convolutions and not for products. Its switches are those
    of the whole process.
    """
    if device.type != "cuda":
        yield
        return
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]  # a module in disguise
    switches = (torch.backends.cuda.matmul, convolutions)
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value
