"""What each objective and likelihood costs in a pack, beside plain beta-VAE.

    python -m tests.benchmarks.objectives [--models 5] [--architecture mlp] [--side 32] [--batch 64]
        [--latents 10] [--seconds 0.3] [--rounds 9] [--device auto] [--json PATH]

Each one is trained next to a beta-VAE of the same seeds on the same machine, taking turns of
`seconds`, so that whatever else the machine does hits both. The rate is optimiser steps a second of
the whole pack, and the ratio is to the beta-VAE of the turn before; both are medians over `rounds`.
On a shared machine, set OMP_NUM_THREADS=1: threads that wait for each other measure the others.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.output import add_json, show
from tests.trainer.shapes import LabelledShapes
from trainer.config.run import DatasetConfig, RunConfig
from trainer.training.loop import Training

COLUMNS = {
    "name": ("objective or likelihood", ""),
    "rate": ("steps a second", ".1f"),
    "beta_vae": ("beta_vae beside it", ".1f"),
    "ratio": ("ratio", ".2f"),
}
PLAIN: dict[str, Any] = {"objective": "beta_vae"}
VARIANTS: dict[str, dict[str, Any]] = {
    "vae": {"objective": "vae"},
    "annealed_vae": {"objective": "annealed_vae"},
    "beta_tcvae, weighted": {"objective": "beta_tcvae"},
    "beta_tcvae, stratified": {
        "objective": "beta_tcvae",
        "objective_options": {"sampling": "stratified"},
    },
    "factor_vae": {"objective": "factor_vae"},
    "isa_vae, fixed": {"objective": "isa_vae"},
    "isa_vae, learned": {"objective": "isa_vae", "objective_options": {"exponents": "learned"}},
    "isa_tcvae": {"objective": "isa_tcvae"},
    "dip_vae_i": {"objective": "dip_vae_i"},
    "dip_vae_ii": {"objective": "dip_vae_ii"},
    "infogan": {"objective": "infogan"},
    "dc_ign": {"objective": "dc_ign"},
    "gaussian": {"likelihood": "gaussian"},
    "gaussian_learned, closed form": {"likelihood": "gaussian_learned"},
    "gaussian_learned, gradient": {
        "likelihood": "gaussian_learned",
        "likelihood_options": {"by": "gradient"},
    },
    "gaussian_mixture, em": {"likelihood": "gaussian_mixture"},
    "gaussian_mixture, gradient": {
        "likelihood": "gaussian_mixture",
        "likelihood_options": {"by": "gradient"},
    },
}


def training(arguments: argparse.Namespace, changes: dict[str, Any], folder: Path) -> Training:
    """A pack that is under way."""
    configs = [
        RunConfig(
            dataset=DatasetConfig("rectangles"),
            latents=arguments.latents,
            seed=seed,
            architecture=arguments.architecture,
            batch_size=arguments.batch,
            steps=10**6,
            **changes,
        )
        for seed in range(arguments.models)
    ]
    folders = [folder / str(seed) for seed in range(arguments.models)]
    pack = Training(
        configs,
        LabelledShapes(arguments.side),
        folders,
        device=arguments.device,
        checkpoint_seconds=1e9,
    )
    for _ in range(5):
        pack.advance(0)
    return pack


def rates(arguments: argparse.Namespace, changes: dict[str, Any]) -> tuple[float, float, float]:
    """Steps a second of beta-VAE and of the objective, and their ratio: medians over the turns."""
    with tempfile.TemporaryDirectory() as folder:
        plain = training(arguments, PLAIN, Path(folder) / "plain")
        other = training(arguments, changes, Path(folder) / "other")
        turns = [
            (turn(plain, arguments.seconds), turn(other, arguments.seconds))
            for _ in range(arguments.rounds)
        ]
    ratio = median(theirs / ours for ours, theirs in turns)
    return median(ours for ours, _ in turns), median(theirs for _, theirs in turns), ratio


def turn(pack: Training, seconds: float) -> float:
    """Steps a second while `pack` has its turn."""
    step, before = pack.step, pack.seconds
    pack.advance(seconds)
    return (pack.step - step) / (pack.seconds - before)


def main() -> None:
    """Measures all, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=5)
    parser.add_argument("--architecture", default="mlp")
    parser.add_argument("--side", type=int, default=32, help="pixels of a side of the images")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--latents", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    add_json(parser)
    arguments = parser.parse_args()

    rows = []
    for name in arguments.only:
        plain, other, ratio = rates(arguments, VARIANTS[name])
        rows.append({"name": name, "rate": other, "beta_vae": plain, "ratio": ratio})
    show(rows, arguments, COLUMNS)


if __name__ == "__main__":
    main()
