"""Do the intervals of `answer` cover the true best beta? Simulated sweeps over known curves.

python -m tests.benchmarks.coverage [--sweeps 100] [--case sharp ...] [--json PATH]

For each case, of 100 sweeps:
    covered  the 90 % interval of beta_norm holds the true best one
    honest   covered, or the verdict is "cannot tell" (the goal: 85 or more)
    each M   the same for the interval of each latent size by itself
    clear    the verdict is "clear" (should be high for sharp and skewed curves)
    right    of the clear ones, the share that is covered
    width    of the interval, as a factor in beta (geometric mean)
The true best is that of the whole curve, also when it lies outside the range that was tried; a flat
curve has none, so only "cannot tell" is honest there. Takes some 6 minutes on one core.
"""

import argparse
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.analysis.answer import answer
from evaluation.analysis.best import Best
from evaluation.analysis.table import RunRow

PIXELS = 4096
RANGE = (math.log(0.001), math.log(5.0))  # of log beta_norm: what the paper's Fig. 5 sweeps
WHOLE = np.linspace(math.log(1e-5), math.log(500.0), 20_001)
CLASSIFIERS, CLASSIFIER_SPREAD = 3, 0.012
COLLAPSED = 0.4  # score of a model whose latents have collapsed
HONEST_GOAL = 0.85
COLUMNS = ("covered", "honest", "each M", "clear", "right", "width")
Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Curve:
    """Score of a seed over log beta_norm: good or, with probability `fails`, collapsed."""

    good: Function
    fails: Function
    spread: float  # standard deviation over the seeds of the good clump

    def mean(self, u: np.ndarray) -> np.ndarray:
        """Mean over seeds at log beta_norm `u`."""
        return (1 - self.fails(u)) * self.good(u) + self.fails(u) * COLLAPSED

    def seed_score(self, u: float, rng: np.random.Generator) -> float:
        """Expected classifier score of one seed."""
        if rng.random() < self.fails(np.array(u)):
            return COLLAPSED + 0.25 * self.spread * rng.standard_normal()
        return float(self.good(np.array(u))) + self.spread * rng.standard_normal()


@dataclass(frozen=True)
class Sweep:
    """A simulated sweep and its true best log beta_norm, of all and by latents (nan: none)."""

    rows: list[RunRow]
    best: float
    per_latents: dict[int, float]


def flat(_: float) -> Curve:
    """Every beta scores the same."""
    return Curve(lambda u: 0.6 + 0 * u, never, 0.05)


def sharp(top: float) -> Curve:
    """An inverted U of a factor of 3 in beta at half its height: little more than a grid step."""
    return Curve(lambda u: 0.55 + 0.35 * np.exp(-0.5 * ((u - top) / 0.5) ** 2), never, 0.04)


def skewed(top: float) -> Curve:
    """A slow rise that ends in a cliff, where some seeds have collapsed and others not."""
    return Curve(
        lambda u: 0.55 + 0.35 * sigmoid((u - top + 1.5) / 1.2),
        lambda u: sigmoid((u - top - 0.8) / 0.35),
        0.04,
    )


def edge(top: float) -> Curve:
    """A broad inverted U whose top lies beyond the range that is tried."""
    beyond = RANGE[1] + 3.0 + 0.5 * top
    return Curve(lambda u: 0.5 + 0.4 * np.exp(-0.5 * ((u - beyond) / 2.0) ** 2), never, 0.04)


def noisy(top: float) -> Curve:
    """A low inverted U under large noise, with seeds that fail anywhere."""
    return Curve(
        lambda u: 0.6 + 0.22 * np.exp(-0.5 * ((u - top) / 1.3) ** 2),
        lambda u: 0.15 + 0.6 * sigmoid((u - top - 1.5) / 0.5),
        0.09,
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def never(u: np.ndarray) -> np.ndarray:
    """No seed fails."""
    return 0 * u


def grid_sweep(
    shape: Callable[[float], Curve], latents: Sequence[int], betas: int, rng: np.random.Generator
) -> Sweep:
    """`betas` values over the range for each latent size, 4 to 10 seeds each."""
    settings = [(u, m) for m in latents for u in np.linspace(*RANGE, betas)]
    return simulate(shape, settings, int(rng.integers(4, 11)), rng)


def scattered_sweep(shape: Callable[[float], Curve], rng: np.random.Generator) -> Sweep:
    """What a Bayesian search leaves: 8 settings anywhere, 16 about where the scores were good."""
    latents = rng.choice([5, 10, 20], 24)
    anywhere = rng.uniform(*RANGE, 8)
    about = np.clip(rng.normal(rng.uniform(-3, -2), 1.2, 16), *RANGE)
    settings = list(zip(np.concatenate([anywhere, about]), latents, strict=True))
    return simulate(shape, settings, int(rng.integers(4, 11)), rng)


def single_seed_sweep(shape: Callable[[float], Curve], rng: np.random.Generator) -> Sweep:
    """24 settings of one seed each."""
    return simulate(shape, [(u, 10) for u in np.linspace(*RANGE, 24)], 1, rng)


def simulate(
    shape: Callable[[float], Curve],
    settings: Sequence[tuple[float, int]],
    seeds: int,
    rng: np.random.Generator,
) -> Sweep:
    """Rows of a sweep over `settings` (log beta_norm, latents), with a top drawn at random.

    The top moves right as latents grow, and other numbers of latents than 10 score lower.
    """
    top = rng.uniform(math.log(0.02), math.log(0.3))
    curves = {m: shape(top + 0.3 * math.log(m / 10)) for _, m in settings}
    loss = {m: 0.03 * abs(math.log(m / 10)) for m in curves}
    rows = []
    for i, (u, m) in enumerate(settings):
        for seed in range(seeds):
            expected = curves[m].seed_score(u, rng) - loss[m]
            scores = expected + CLASSIFIER_SPREAD * rng.standard_normal(CLASSIFIERS)
            rows.append(
                RunRow(
                    run=f"{i}-{seed}",
                    state="finished",
                    beta=math.exp(u) * PIXELS / m,
                    beta_norm=math.exp(u),
                    latents=int(m),
                    seed=seed,
                    scores=tuple(float(score) for score in np.clip(scores, 0, 1)),
                    setting=i,
                )
            )
    means = {m: curve.mean(WHOLE) - loss[m] for m, curve in curves.items()}
    tops = {
        m: math.nan if shape is flat else float(WHOLE[mean.argmax()]) for m, mean in means.items()
    }
    return Sweep(rows, tops[max(means, key=lambda m: float(means[m].max()))], tops)


CASES: dict[str, Callable[[np.random.Generator], Sweep]] = {
    "flat": lambda rng: grid_sweep(flat, (10,), 12, rng),
    "sharp": lambda rng: grid_sweep(sharp, (10,), 12, rng),
    "skewed": lambda rng: grid_sweep(skewed, (10,), 12, rng),
    "edge": lambda rng: grid_sweep(edge, (10,), 12, rng),
    "noisy": lambda rng: grid_sweep(noisy, (10,), 12, rng),
    "sharp, 3 latents": lambda rng: grid_sweep(sharp, (5, 10, 20), 10, rng),
    "skewed, 3 latents": lambda rng: grid_sweep(skewed, (5, 10, 20), 10, rng),
    "noisy, 3 latents": lambda rng: grid_sweep(noisy, (5, 10, 20), 10, rng),
    "sharp, scattered": lambda rng: scattered_sweep(sharp, rng),
    "sharp, one seed": lambda rng: single_seed_sweep(sharp, rng),
}


def measure(case: str, sweeps: int) -> dict[str, float]:
    """The figures of one case over so many simulated sweeps."""
    covered, clear, each, widths = [], [], [], []
    for number in range(sweeps):
        sweep = CASES[case](np.random.default_rng([zlib.crc32(case.encode()), number]))
        found = answer(sweep.rows)
        covered.append(covers(found.best, sweep.best))
        clear.append(found.best.verdict == "clear")
        each += [
            covers(best, sweep.per_latents[m]) or best.verdict == "cannot tell"
            for m, best in found.per_latents.items()
        ]
        low, high = found.best.interval_norm
        widths.append(math.log(high / low))
    hits, told = np.array(covered), np.array(clear)
    return {
        "covered": float(hits.mean()),
        "honest": float((hits | ~told).mean()),
        "each M": float(np.mean(each)),
        "clear": float(told.mean()),
        "right": float(hits[told].mean()) if told.any() else math.nan,
        "width": math.exp(np.mean(widths)),
    }


def covers(found: Best, true_best: float) -> bool:
    """Whether the interval holds the true best log beta_norm."""
    low, high = found.interval_norm
    return math.log(low) <= true_best <= math.log(high)


def main() -> None:
    """Print the table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description="Coverage of the best beta's interval.")
    parser.add_argument("--sweeps", type=int, default=100, help="simulated sweeps a case")
    parser.add_argument("--case", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    table = {}
    print(f"{'case':20s}" + "".join(f"{name:>9s}" for name in COLUMNS))
    for case in arguments.case:
        row = table[case] = measure(case, arguments.sweeps)
        missed = "" if row["honest"] >= HONEST_GOAL else f"  below the goal of {HONEST_GOAL}"
        cells = "".join(f"{row[name]:9.3g}" for name in COLUMNS)
        print(f"{case:20s}{cells}{missed}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=2).replace("NaN", "null") + "\n")


if __name__ == "__main__":
    main()
