"""Ways to convolve with K models' kernels: one by one, in groups, and by torch.func.vmap.

    python -m tests.benchmarks.convolutions [--models 1 4 16] [--batch 64] [--rounds 5] [--device D]
        [--quick] [--json PATH]

Forward and backward through the convolutions of the paper's network for chairs, CelebA and 3D faces
(Higgins et al. 2017, Table 1), four down and four up, on 64x64 images. On a CPU the clock is
processor time over one thread, so that other programs hardly matter. `trainer.nn.convolution` has
the fastest way for each kind of device.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.benchmarks.output import add_json, show
from trainer.device import allocator
from trainer.nn.convolution import grouped, in_groups, one_by_one, packed

CHANNELS = (1, 32, 32, 64, 64)
COLUMNS = {
    "precision": ("precision", ""),
    "models": ("K", "d"),
    "way": ("way", ""),
    "milliseconds": ("ms", ".0f"),
    "images": ("images/s", ",.0f"),
}
Convolve = Callable[..., Tensor]


def by_vmap(
    convolution: Convolve, x: Tensor, weight: Tensor, bias: Tensor, **options: int
) -> Tensor:
    """One model's convolution, vectorised over the models."""
    each = torch.func.vmap(lambda x, w, b: convolution(x, w, b, **options))
    return each(x, weight, bias)


def in_groups_channels_last(
    convolution: Convolve, x: Tensor, weight: Tensor, bias: Tensor, **options: int
) -> Tensor:
    """As `in_groups`, with channels last in memory, as a GPU's tensor cores take them."""
    images, kernels = (
        array.to(memory_format=torch.channels_last) for array in (grouped(x), weight.flatten(0, 1))
    )
    size = len(weight)
    return packed(convolution(images, kernels, bias.flatten(), **options, groups=size), size)


WAYS: dict[str, Convolve] = {
    "one by one": one_by_one,
    "in groups": in_groups,
    "in groups, channels last": in_groups_channels_last,
    "vmap": by_vmap,
}


def parameters(models: int, device: str) -> list[list[Tensor]]:
    """Kernels and biases of the eight layers."""
    generator = torch.Generator(device).manual_seed(0)
    layers = []
    down, up = list(pairwise(CHANNELS)), list(pairwise(reversed(CHANNELS)))
    for shape, outputs in [((o, i), o) for i, o in down] + [((i, o), o) for i, o in up]:
        kernels = torch.randn(models, *shape, 4, 4, generator=generator, device=device) * 0.1
        layers.append([kernels.requires_grad_(), torch.zeros(models, outputs, device=device)])
    return layers


def step(convolve: Convolve, layers: list[list[Tensor]], x: Tensor, bf16: bool) -> None:
    """Forward and backward."""
    with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
        for number, layer in enumerate(layers):
            convolution = F.conv2d if number < 4 else F.conv_transpose2d
            x = F.relu(convolve(convolution, x, *layer, stride=2, padding=1))
    torch.autograd.grad(x.float().square().sum(), [kernels for kernels, _ in layers])


def fastest(work: Callable[[], None], rounds: int, device: str) -> float:
    """Seconds of the fastest round after the first."""
    cuda = device.startswith("cuda")
    clock, times = time.perf_counter if cuda else time.process_time, []
    for _ in range(rounds + 1):
        start = clock()
        work()
        if cuda:
            torch.cuda.synchronize()
        times.append(clock() - start)
    return min(times[1:])


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """One row for each precision, number of models and way."""
    rows = []
    for precision in ("fp32", "bf16"):
        for models in options.models:
            layers = parameters(models, options.device)
            x = torch.rand(models, options.batch, 1, 64, 64, device=options.device)
            for way, convolve in WAYS.items():
                seconds = fastest(
                    lambda: step(convolve, layers, x, precision == "bf16"),  # noqa: B023
                    options.rounds,
                    options.device,
                )
                rows.append(
                    {
                        "precision": precision,
                        "models": models,
                        "way": way,
                        "milliseconds": 1e3 * seconds,
                        "images": models * options.batch / seconds,
                    }
                )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quick", action="store_true", help="K = 1 and 4, batch 16, two rounds")
    add_json(parser)
    options = parser.parse_args()
    if options.quick:
        options.models, options.batch, options.rounds = [1, 4], 16, 2
    torch.set_num_threads(1)
    allocator.keep_freed()
    show(measure(options), options, COLUMNS)


if __name__ == "__main__":
    main()
