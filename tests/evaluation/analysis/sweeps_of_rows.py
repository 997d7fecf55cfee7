"""Made-up sweeps for these tests: an inverted U for each latent size, with noise over seeds."""

import math
import random

from evaluation.analysis.table import RunRow

PIXELS = 4096
BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
TOPS = {5: 0.0049, 10: 0.012, 20: 0.04}  # beta_norm of the best, by latent size
PEAKS = {5: 0.86, 10: 0.97, 20: 0.93}


def row(beta=4.0, latents=10, seed=0, scores=(0.9,), **others) -> RunRow:
    """A run; failed when there are no scores."""
    values = {
        "run": f"run-{beta:g}-{latents}-{seed}",
        "state": "finished" if scores else "failed",
        "beta": beta,
        "beta_norm": beta * latents / PIXELS,
        "latents": latents,
        "seed": seed,
        "scores": tuple(scores),
    }
    return RunRow(**(values | others))


def inverted_u(latents=(5, 10, 20), betas=BETAS, seeds=4, failed=()) -> list[RunRow]:
    """Runs of a grid; those in `failed`, a collection of (beta, latents, seed), have failed."""
    noise, rows = random.Random(0), []
    for size in latents:
        for beta in betas:
            distance = math.log(max(beta, 0.01) * size / PIXELS / TOPS[size]) / 1.6
            mean = 0.28 + (PEAKS[size] - 0.28) * math.exp(-(distance**2) / 2)
            for seed in range(seeds):
                if (beta, size, seed) in failed:
                    rows.append(row(beta, size, seed, (), reason="loss is not finite at step 1200"))
                    continue
                score = min(0.999, mean + noise.gauss(0, 0.02))
                scores = [score + noise.gauss(0, 0.002) for _ in range(3)]
                known = {"reconstruction": -20 - 5 * math.log1p(beta), "kl": 30 / (1 + beta)}
                rows.append(row(beta, size, seed, scores, chance=0.25, **known))
    return rows
