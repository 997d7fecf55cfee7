"""Does the score at a share of the steps predict the final one?

    python -m tests.benchmarks.early_scores [--latents 10 20] [--steps 1000] [--seeds 3]
        [--json PATH]

Trains a small grid of 2D shapes (those of `tests.benchmarks.search.train_table`, 14 betas per
latent size) once, without dropping anything, and scores every model at a quarter and half of its
steps as `early_stop` does, and at the end with 1,000 + 1,000 points. Then applies the rules of
`sweeps.scheduling.halving` to the early scores: how many of the settings each would have dropped,
whether the best final mean was among them, and how far the best setting kept is below it. About
three minutes of one core.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from evaluation.early_score import early_scores, few_points
from sweeps.scheduling.halving import survivors
from sweeps.sweepfile.early_stop import EarlyStop, Halving
from tests.benchmarks.output import add_json, show
from tests.benchmarks.search.train_table import BETAS, DATA, configuration
from trainer.data import load
from trainer.run_folder import run_id
from trainer.training.loop import Training

SHARES = (0.25, 0.5, 1.0)
COLUMNS = {
    "rule": ("rule", ""),
    "share": ("at", ""),
    "rank": ("rank correlation with the end", ".2f"),
    "dropped": ("dropped", ""),
    "kept_best": ("best kept", ""),
    "loss": ("best kept is below the best by", ".4f"),
}


def main() -> None:
    """Trains, scores, and prints what the rules would have done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latents", type=int, nargs="+", default=[10, 20])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    add_json(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    taken = np.concatenate([scores(m, options.steps, options.seeds) for m in options.latents], 1)
    show(compared(taken), options, COLUMNS)


def scores(latents: int, steps: int, seeds: int) -> np.ndarray:
    """(shares, betas, seeds) scores of one latent size."""
    data = load("dsprites", **DATA)
    evaluation = few_points("higgins", {})
    every = [(beta, seed) for beta in BETAS for seed in range(seeds)]
    configs = [replace(configuration(beta, latents, seed), steps=steps) for beta, seed in every]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder) / run_id(config, data) for config in configs]
        training = Training(configs, data, folders, device="cpu", checkpoint_seconds=1e9)
        for share in SHARES:
            while training.step < share * steps:
                training.advance(60.0, steps=int(share * steps) - training.step)
            found.append(early_scores(training.pack, data, evaluation))
    return np.array(found, float).reshape(len(SHARES), len(BETAS), seeds)


def compared(taken: np.ndarray) -> list[dict[str, Any]]:
    """One row per rule and share. taken: (shares, settings, seeds)."""
    final = np.nanmean(taken[-1], axis=1)
    rows = []
    for early, share in zip(taken[:-1], SHARES[:-1], strict=True):
        known = {
            setting: [None if np.isnan(s) else float(s) for s in each]
            for setting, each in enumerate(early)
        }
        for rule, name in (
            (EarlyStop(halving=Halving((share,), 0.5)), "halving, keep 0.5"),
            (EarlyStop(median=share), "median"),
        ):
            kept = sorted(survivors(rule, known, "maximize"))
            rows.append(
                {
                    "rule": name,
                    "share": share,
                    "rank": float(spearmanr(np.nanmean(early, axis=1), final).statistic),
                    "dropped": f"{len(final) - len(kept)} of {len(final)}",
                    "kept_best": "yes" if int(final.argmax()) in kept else "no",
                    "loss": float(final.max() - final[kept].max()),
                }
            )
    return rows


if __name__ == "__main__":
    main()
