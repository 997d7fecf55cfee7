"""What the card can do: bytes that are copied, and products of matrices in each precision."""

import time
from collections.abc import Callable
from statistics import median

import torch

from tests.benchmarks.gpu.part import Part, synchronize
from trainer.device.precision import computing

WARM_UP, REPEATS = 3, 10


def run(part: Part) -> None:
    """Writes bytes a second (read and written) and floating-point operations a second."""
    figures: dict[str, float] = {}
    figures["copied"] = _copied(part)
    part.write({"a_second": figures})
    side = part.form.side
    # random numbers: a card that multiplies zeros is faster than one with work to do
    matrices = [torch.randn(side, side, device=part.device) for _ in range(2)]
    for precision in ("bf16", "tf32", "fp32"):
        one, other = (m.bfloat16() if precision == "bf16" else m for m in matrices)
        with computing("tf32" if precision == "tf32" else "fp32", part.device):
            seconds = median_seconds(lambda: one @ other, part.device)  # noqa: B023
        figures[precision] = 2 * side**3 / seconds
        part.write({"a_second": figures})


def _copied(part: Part) -> float:
    source = torch.randint(256, (part.form.copied,), dtype=torch.uint8, device=part.device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / median_seconds(lambda: target.copy_(source), part.device)


def median_seconds(
    work: Callable[[], object], device: torch.device, repeats: int = REPEATS
) -> float:
    """The median of what `work` takes, once it is warm."""
    for _ in range(WARM_UP):
        work()
    synchronize(device)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        synchronize(device)
        times.append(time.perf_counter() - start)
    return median(times)
