"""How a device computes: the precisions in which it is fast, and torch's switches for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from trainer.config.run import Precision

TENSOR_CORES = (8, 0)  # compute capability from which a GPU has TF32 and bf16
BF16_ON_CPU = ("amx_bf16", "avx512_bf16")  # without these, bf16 is slower than fp32 on a CPU


def offered(device: torch.device) -> tuple[Precision, ...]:
    """The precisions that may be the fastest on a device, the most exact first."""
    if device.type == "cuda":
        has_cores = torch.cuda.get_device_capability(device) >= TENSOR_CORES
        return ("tf32", "bf16") if has_cores else ("fp32",)
    has_bf16 = any(torch.cpu.get_capabilities().get(name) for name in BF16_ON_CPU)
    return ("fp32", "bf16") if device.type == "cpu" and has_bf16 else ("fp32",)


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """A context in which a GPU computes 32-bit numbers in full or as TF32, deterministically.

    By default torch uses TF32 for convolutions but not for products, and convolutions with
    nondeterministic gradients. Its switches apply to the whole process.
    """
    if device.type != "cuda":
        yield
        return
    kind = "tf32" if precision == "tf32" else "ieee"
    switches: list[tuple[Any, str, object]] = [
        (torch.backends.cuda.matmul, "fp32_precision", kind),
        (torch.backends.cudnn.conv, "fp32_precision", kind),  # type: ignore[attr-defined]
        (torch.backends.cudnn, "deterministic", True),
    ]
    before = [getattr(owner, name) for owner, name, _ in switches]
    try:
        for owner, name, value in switches:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(switches, before, strict=True):
            setattr(owner, name, value)
