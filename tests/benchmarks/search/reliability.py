"""Is the stated probability true? In bands of it, where no run was selected by it.

    python -m tests.benchmarks.search.reliability [--curves 300] [--seeds 6 10] [--json FILE]

A race looks at its scores after every round, gives more seeds where they look good, and stops when
they look certain. Here every one of the 56 settings of a drawn curve gets the same number of seeds,
and the probability is taken once: what is untrue here is due to the surface; what is untrue only in
a race is due to when it stops.
"""

import argparse
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.analysis.inference.expectation import expect
from tests.benchmarks.output import add_json, show
from tests.benchmarks.search.tables import TABLES, Table, run_of

WITHIN, DRAWS = 0.01, 2000
BANDS = (0.0, 0.5, 0.7, 0.85, 0.95)


def bands(said: Sequence[float], right: Sequence[bool]) -> list[dict[str, Any]]:
    """For each band of what is said: how many searches, its mean, and how often it is true."""
    found = []
    for low, high in zip(BANDS, (*BANDS[1:], math.inf), strict=True):
        here = [(s, r) for s, r in zip(said, right, strict=True) if low <= s < high]
        if here:
            means = np.mean(here, axis=0)
            band = {"from": low, "searches": len(here)}
            found.append(band | {"said": float(means[0]), "right": float(means[1])})
    return found


def standard_error(said: Sequence[float], right: Sequence[bool]) -> float:
    """Standard error of the mean of what is said minus what is true; nan for fewer than two."""
    away = np.array(said) - np.array(right, float)
    return float(away.std(ddof=1)) / math.sqrt(len(away)) if len(away) > 1 else math.nan


def judged_at_once(table: Table, seeds: int, number: int) -> tuple[float, bool]:
    """What is said of the favourite when all settings have `seeds`, and whether it is true."""
    scores = table.draw(np.random.default_rng([number, 7]), seeds).reshape(-1, seeds)
    places = [(beta, latents) for latents in table.latents for beta in table.betas]
    rows = [
        run_of(table, setting, beta, latents, seed, float(scores[setting, seed]))
        for setting, (beta, latents) in enumerate(places)
        for seed in range(seeds)
    ]
    known = expect(rows, "maximize", np.empty((0, 2)), DRAWS, number)
    assert known is not None
    favourite = known.means.mean(axis=0).argmax()
    said = (known.means.max(axis=1) - known.means[:, favourite] <= WITHIN).mean()
    truth = table.means.ravel()
    return float(said), bool(truth.max() - truth[known.settings[favourite]] <= WITHIN)


def main() -> None:
    """Prints one line per band."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curves", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[6, 10], help="of every setting")
    add_json(parser)
    arguments = parser.parse_args()
    numbers = range(arguments.curves)
    found = [judged_at_once(TABLES["drawn"](n), s, n) for s in arguments.seeds for n in numbers]
    columns = {"from": ("said from", ".2f"), "searches": ("curves", "")}
    columns |= {"said": ("said", ".3f"), "right": ("right", ".3f")}
    show(bands(*zip(*found, strict=True)), arguments, columns)


if __name__ == "__main__":
    main()
