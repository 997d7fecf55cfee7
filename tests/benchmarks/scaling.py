"""How fast a pack is against its size, beside what the machine can do.

    python -m tests.benchmarks.scaling [--architectures fc1200 conv] [--batches 64 512]
        [--models 1 4 16 64] [--precision fp32] [--seconds 2] [--device D] [--quick] [--json PATH]

The floor is the time of a step at the speeds measured here for copying and for multiplying square
matrices in the same precision, whichever of the two takes longer:

- memory: with P parameters, A numbers put out by layers, and w bytes a number in that precision,
  forward and backward read the weights (2 w P), the gradient is written and read (8 P), the
  optimiser reads and writes weights and both moments (24 P); forward writes the outputs, backward
  reads them (2 w A). In fp32, FC-1200, whose P is 14.2 million, moves 568 MB a step for its 40 P.
- products: what torch counts for forward and backward.

The share of the floor is that of all models, over the step's measured time. Packs that do not fit
into memory, as `trainer.training.pack_size` finds, are left out.
"""

import argparse
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tests.benchmarks.output import add_json, show
from tests.benchmarks.packs import WARM_UP, PackLoop, configuration, images
from trainer.data import Dataset
from trainer.models import Pack
from trainer.training.pack_size import fitting, probe

COLUMNS = {
    "architecture": ("net", ""),
    "batch": ("batch", "d"),
    "models": ("K", "d"),
    "milliseconds": ("ms a step", ".1f"),
    "models_steps": ("models x steps/s", ",.1f"),
    "images": ("images/s", ",.0f"),
    "times_alone": ("x K=1", ".2f"),
    "copy_share": ("of copy", ".0%"),
    "product_share": ("of product", ".0%"),
    "floor_share": ("of floor", ".0%"),
}
BYTES = {"fp32": 4, "bf16": 2}


def copy_speed(device: str) -> float:
    """Bytes read and written a second when a large array is copied."""
    source = torch.ones(2**30 if device.startswith("cuda") else 2**28, dtype=torch.uint8)
    source = source.to(device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / fastest(lambda: target.copy_(source), device)


def product_speed(device: str, precision: str) -> float:
    """Floating-point operations a second in the product of two square matrices."""
    side = 8192 if device.startswith("cuda") else 2048
    matrix = torch.ones(side, side, device=device)
    matrix = matrix.bfloat16() if precision == "bf16" else matrix
    return 2 * side**3 / fastest(lambda: matrix @ matrix, device)


def fastest(work: Any, device: str) -> float:
    """Seconds of the fastest of ten times."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def needs(pack: Pack, x: Tensor, precision: str) -> tuple[float, float]:
    """Bytes and floating-point operations of one step of the pack's models on images x."""
    outputs = 0

    def count(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal outputs
        outputs += output.numel()

    layers = [
        m for net in (pack.encoder, pack.decoder) for m in net.modules() if not list(m.children())
    ]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with FlopCounterMode(display=False) as counter:
        mu, _ = pack.encode(x)
        pack.decode(mu).sum().backward()
    for hook in hooks:
        hook.remove()
    pack.zero_grad()
    parameters, width = sum(p.numel() for p in pack.parameters()), BYTES[precision]
    return parameters * (2 * width + 32) + outputs * 2 * width, counter.get_total_flops()


def measure(options: argparse.Namespace, data: Dataset) -> list[dict[str, Any]]:
    """One row for each network, batch size and size of a pack."""
    copied = copy_speed(options.device)
    multiplied = product_speed(options.device, options.precision)
    print(f"copy {copied / 1e9:.1f} GB/s, {options.precision} {multiplied / 1e12:.3f} TFLOP/s")
    rows = []
    for architecture in options.architectures:
        for batch in options.batches:
            alone = None
            for models in options.models:
                options.architecture, options.batch = architecture, batch
                config = configuration(options, seed=0)
                device = torch.device(options.device)
                if models > fitting(probe(config, data, device), device):
                    continue
                loop = PackLoop(options, data, models, time.perf_counter)
                loop.seconds(WARM_UP)
                one = min(loop.seconds(1) for _ in range(3))
                steps = max(1, int(options.seconds / one))
                seconds = min(one, loop.seconds(steps) / steps)
                alone = alone or models / seconds
                pack = loop.training.pack
                x = torch.zeros(models, batch, *data.shape, device=loop.training.device)
                moved, products = needs(pack, x, options.precision)
                floor = max(moved / copied, products / multiplied)
                rows.append(
                    {
                        "architecture": architecture,
                        "batch": batch,
                        "models": models,
                        "milliseconds": 1e3 * seconds,
                        "models_steps": models / seconds,
                        "images": models * batch / seconds,
                        "times_alone": models / seconds / alone,
                        "copy_share": moved / copied / seconds,
                        "product_share": products / multiplied / seconds,
                        "floor_share": floor / seconds,
                        "bytes": moved,
                        "operations": products,
                    }
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=["fc1200", "conv"])
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 512])
    parser.add_argument("--models", nargs="+", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--precision", choices=tuple(BYTES), default="fp32")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a measurement")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quick", action="store_true", help="batch 64, K = 1 and 4, short")
    add_json(parser)
    options = parser.parse_args()
    options.side = 64
    if options.quick:
        options.batches, options.models, options.seconds = [64], [1, 4], 0.2
    torch.set_num_threads(options.threads)
    rows = measure(options, images(options))
    del options.architecture, options.batch
    show(rows, options, COLUMNS)


if __name__ == "__main__":
    main()
