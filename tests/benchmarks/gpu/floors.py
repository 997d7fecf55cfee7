"""The least that a step can take on a card: its bytes at copying speed, or its products at theirs.

With P parameters, A numbers put out by layers, and w bytes a number in a precision, a model's step

- reads the weights in forward and in backward (2 w P), writes and reads the gradient (8 P), reads
  and writes the parameters and the optimiser's n moments (8 (1 + n) P), and writes the layers'
  outputs in forward and reads them in backward (2 w A);
- multiplies as often as torch counts for forward and backward.

FC-1200 with Adam and fp32 or tf32: P = 14.2 million, A = 13,000 numbers per image, so 568 MB for
its 40 P and 7 MB for 64 images; 5.5 GFLOP at 64 images. Of the copying, that is 190 µs at 3.0 TB/s.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tests.benchmarks.gpu.rig import configuration
from trainer.models import Pack

WIDTH = {"fp32": 4, "tf32": 4, "bf16": 2}


@dataclass(frozen=True)
class Floor:
    """Of a step of K models. memory, products: milliseconds that each takes at least."""

    parameters: int
    outputs: int
    bytes: int
    operations: int
    memory: float
    products: float

    @property
    def milliseconds(self) -> float:
        """The larger of the two."""
        return max(self.memory, self.products)


def floor(
    net: str,
    shape: tuple[int, int, int],
    models: int,
    batch: int,
    precision: str,
    ceilings: dict[str, float],
    moments: int = 2,
) -> Floor:
    """Of a pack. ceilings: a second, as the part `ceilings` has found them."""
    parameters, outputs, operations = _counts(net, shape, batch)
    width = WIDTH[precision]
    moved = models * (parameters * (2 * width + 8 + 8 * (1 + moments)) + 2 * width * outputs)
    return Floor(
        models * parameters,
        models * outputs,
        moved,
        models * operations,
        1e3 * moved / ceilings["copied"],
        1e3 * models * operations / ceilings[precision],
    )


def as_row(of: Floor) -> dict[str, Any]:
    """As a row of the table has it."""
    return {"floor": of.milliseconds, **{f"floor_{key}": v for key, v in asdict(of).items()}}


@lru_cache
def _counts(net: str, shape: tuple[int, int, int], batch: int) -> tuple[int, int, int]:
    """Parameters, numbers put out by layers, and operations of one model's step; no arrays made."""
    outputs = 0

    def count(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal outputs
        outputs += output.numel()

    with torch.device("meta"):
        pack = Pack(configuration(net, batch, "fp32"), 1, shape)
        images = torch.zeros(1, batch, *shape)
    networks = (pack.encoder, pack.decoder)
    for layer in (m for network in networks for m in network.modules() if not [*m.children()]):
        layer.register_forward_hook(count)
    with FlopCounterMode(display=False) as counter:
        pack.decode(pack.encode(images)[0]).sum().backward()
    return sum(p.numel() for p in pack.parameters()), outputs, counter.get_total_flops()
