"""Would latent sizes in one pack, padded to the largest and masked, train faster than in turn?

    python -m tests.benchmarks.latents_in_one_pack [--architectures mlp fc1200 conv] [--seeds 1 5]
        [--latents 5 10 20] [--rounds 5] [--steps 60] [--json PATH]

A pack of all latent sizes needs every model padded to the largest, with the surplus latents masked
out of z and of the KL. Here the padded pack is trained without its masks, so it is a little faster
than it could be with them. Beside it, in turns: one pack per latent size. Both see the same batches
of 64 images (32x32; conv 64x64) on the processor-time clock, one thread each.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from tests.benchmarks.output import add_json, show
from tests.benchmarks.packs import WARM_UP, configuration, images
from trainer.data import Dataset
from trainer.training.loop import Training

COLUMNS = {
    "architecture": ("architecture", ""),
    "seeds": ("seeds per size", ""),
    "turns": ("in turn, images/s", ",.0f"),
    "padded": ("padded, images/s", ",.0f"),
    "times": ("padded / in turn", ".2f"),
}


def pack(
    options: argparse.Namespace, data: Dataset, latents: Sequence[int], folder: Path
) -> Training:
    """A pack with one model for each number of latents given."""
    configs = [replace(configuration(options, seed), latents=m) for seed, m in enumerate(latents)]
    folders = [folder / str(seed) for seed in range(len(configs))]
    return Training(configs, data, folders, device="cpu", checkpoint_seconds=float("inf"))


def seconds(packs: Sequence[Training], steps: int) -> float:
    """Processor time of `steps` of each pack, one pack after another."""
    start = time.process_time()
    for each in packs:
        each.advance(float("inf"), steps)
    return time.process_time() - start


def measure(options: argparse.Namespace, architecture: str, seeds: int) -> dict[str, Any]:
    """One row."""
    options.architecture, options.side = architecture, 64 if architecture == "conv" else 32
    data, largest = images(options), max(options.latents)
    models = seeds * len(options.latents)
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        in_turn = [pack(options, data, [m] * seeds, path / str(m)) for m in options.latents]
        padded = [pack(options, data, [largest] * models, path / "padded")]
        steps = max(1, options.steps // models)
        taken: dict[str, list[float]] = {"turns": [], "padded": []}
        for packs in (in_turn, padded):
            seconds(packs, WARM_UP)
        for _ in range(options.rounds):
            taken["turns"].append(seconds(in_turn, steps))
            taken["padded"].append(seconds(padded, steps))
    rates = {name: options.batch * steps * models / median(each) for name, each in taken.items()}
    row = {"architecture": architecture, "seeds": seeds, **rates}
    return row | {"times": rates["padded"] / rates["turns"]}


def main() -> None:
    """Prints one line per architecture and number of seeds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architectures", nargs="+", default=["mlp", "fc1200", "conv"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5], help="per latent size")
    parser.add_argument("--latents", type=int, nargs="+", default=[5, 10, 20])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--steps", type=int, default=60, help="of all models, in a turn")
    parser.add_argument("--rounds", type=int, default=5)
    add_json(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measure(options, a, seeds) for a in options.architectures for seeds in options.seeds]
    show(rows, options, COLUMNS)


if __name__ == "__main__":
    main()
