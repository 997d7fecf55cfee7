"""Do the statements of `answer` hold? Simulated sweeps over known curves.

python -m tests.benchmarks.coverage [--sweeps 100] [--case sharp ...] [--kinds new] [--json PATH]

For each kind of curve, means over its sweeps:
    said     the probability that the setting to use is within 0.01 of the best one tried
    within   how often it is: no less than said
    clear    how often the verdict is "clear"
    right    of the clear ones, how often it is within: no less than the 0.80 that clear asks for
    loss     how far below the best it is; expected: what was said of that
    good     of the settings called good, how many are within: more than half
    top      the 90 % interval of beta_norm holds a place where the curve, in the range that was
             tried, is as high as anywhere, to 0.001
    beyond   of the clear ones, how often nothing within a factor of ten beyond that range is
             better by more than 0.01
    steady   how often one more seed per setting leaves the verdict as it is
Ten kinds are `new`: neither the surface nor any level was chosen by them. On the `old` ones the
surface was developed. The `low` ones are inverted Us from nothing to plainly visible: whether there
is a curve at all cannot be known on the lowest, so what is said must be true of all on average.
Takes some 6 minutes per ten kinds on one core; --sweeps 10 shows the drift.
"""

import argparse
import functools
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.analysis.answer import Answer
from evaluation.analysis.conclude import WITHIN, answer
from evaluation.analysis.table import RunRow

PIXELS = 4096
RANGE = (math.log(0.001), math.log(5.0))  # of log beta_norm: what the paper's Fig. 5 sweeps
WHOLE = np.linspace(math.log(1e-4), math.log(50.0), 20_001)  # ten times as far to either side
CLASSIFIERS, CLASSIFIER_SPREAD = 3, 0.012
COLLAPSED = 0.4  # score of a model whose latents have collapsed
OF_CLEAR = ("right", "beyond")
COLUMNS = (
    "said",
    "within",
    "clear",
    "right",
    "loss",
    "expected",
    "good",
    "top",
    "beyond",
    "steady",
)
TRIED = (RANGE[0] <= WHOLE) & (RANGE[1] >= WHOLE)
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
    """A simulated sweep, with one seed more per setting than it is judged by at first.

    truth: the true mean of each setting, by its number. best: over all latent sizes, the true mean
        along WHOLE. seeds: to judge it by.
    """

    rows: list[RunRow]
    truth: dict[int, float]
    best: np.ndarray
    seeds: int


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


def plateau(top: float) -> Curve:
    """As good as the metric can tell up to a cliff; next to no noise there."""
    return Curve(lambda u: 0.45 + 0.535 * sigmoid((top + 1.0 - u) / 0.25), never, 0.004)


def step(top: float) -> Curve:
    """Two levels, the better one at high beta."""
    return Curve(lambda u: 0.6 + 0.25 * sigmoid((u - top) / 0.4), never, 0.02)


def two_tops(top: float) -> Curve:
    """Two inverted Us, the second 0.04 lower."""
    return Curve(
        lambda u: 0.5 + 0.35 * bump(u, top - 1.5, 0.6) + 0.31 * bump(u, top + 1.5, 0.6), never, 0.03
    )


def slope(top: float) -> Curve:
    """Better by 0.03 with each factor of e, all over the range."""
    return Curve(lambda u: 0.6 + 0.03 * (u - top), never, 0.02)


def tent(top: float) -> Curve:
    """Two straight lines that meet in a point."""
    return Curve(lambda u: 0.9 - 0.07 * np.abs(u - top), never, 0.03)


def saturating(top: float) -> Curve:
    """A rise that levels off, then a straight fall."""
    return Curve(
        lambda u: 0.4 + 0.5 * (1 - np.exp(-np.maximum(u + 8, 0))) - 0.12 * np.maximum(u - top, 0),
        never,
        0.02,
    )


def clumps(top: float) -> Curve:
    """An inverted U at which three seeds of ten collapse, wherever they are."""
    return Curve(lambda u: 0.6 + 0.3 * bump(u, top, 1.0), lambda u: 0.3 + 0 * u, 0.02)


def needle(top: float) -> Curve:
    """A top narrower than the steps between settings, on a broad one."""
    return Curve(lambda u: 0.55 + 0.2 * bump(u, top, 1.5) + 0.12 * bump(u, top, 0.25), never, 0.02)


def rough(top: float) -> Curve:
    """An inverted U with a ripple of 0.03."""
    return Curve(lambda u: 0.6 + 0.3 * bump(u, top, 1.2) + 0.03 * np.sin(4 * u), never, 0.02)


def faint(top: float) -> Curve:
    """Next to nothing: an inverted U of 0.02 in noise of 0.03."""
    return low(0.02)(top)


def low(height: float) -> Callable[[float], Curve]:
    """Inverted Us of this height in noise of 0.03."""
    return lambda top: Curve(lambda u: 0.5 + height * bump(u, top, 1.0), never, 0.03)


def bump(u: np.ndarray, top: float, width: float) -> np.ndarray:
    """1 at the top, a Gaussian about it."""
    return np.exp(-0.5 * ((u - top) / width) ** 2)


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


def usual_sweep(shape: Callable[[float], Curve], rng: np.random.Generator) -> Sweep:
    """A grid as people run it: 7 to 12 betas, one latent size or two, 3 to 8 seeds."""
    latents = ((10,), (10, 20))[int(rng.integers(2))]
    settings = [(u, m) for m in latents for u in np.linspace(*RANGE, int(rng.integers(7, 13)))]
    return simulate(shape, settings, int(rng.integers(3, 9)), rng)


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
        for seed in range(seeds + 1):
            expected = curves[m].seed_score(u, rng) - loss[m]
            classifiers = min(CLASSIFIER_SPREAD, curves[m].spread)
            scores = expected + classifiers * rng.standard_normal(CLASSIFIERS)
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
    truth = {i: float(curves[m].mean(np.array(u))) - loss[m] for i, (u, m) in enumerate(settings)}
    best = np.max([curve.mean(WHOLE) - loss[m] for m, curve in curves.items()], axis=0)
    return Sweep(rows, truth, best, seeds)


OLD: dict[str, Callable[[np.random.Generator], Sweep]] = {
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


NEW: dict[str, Callable[[np.random.Generator], Sweep]] = {
    shape.__name__.replace("_", " "): functools.partial(usual_sweep, shape)
    for shape in (
        plateau, step, two_tops, slope, tent, saturating, clumps, needle, rough, faint,
    )
}  # fmt: skip
LOW: dict[str, Callable[[np.random.Generator], Sweep]] = {
    f"low, {height}": functools.partial(usual_sweep, low(height))
    for height in (0.0, 0.01, 0.02, 0.03, 0.045, 0.07)
}
CASES = {**NEW, **OLD, **LOW}
KINDS = {"new": list(NEW), "old": list(OLD), "low": list(LOW), "all": list(CASES)}


def measure(case: str, sweeps: int) -> dict[str, float]:
    """The figures of one case over so many simulated sweeps."""
    figures = [
        judge(CASES[case](np.random.default_rng([zlib.crc32(case.encode()), number])))
        for number in range(sweeps)
    ]
    clear = [figure for figure in figures if figure["clear"]]
    return {
        name: mean([figure[name] for figure in (clear if name in OF_CLEAR else figures)])
        for name in COLUMNS
    }


def judge(sweep: Sweep) -> dict[str, float]:
    """What was said of one sweep, and what is true of it."""
    found = answer([row for row in sweep.rows if row.seed < sweep.seeds])
    with_more = answer(sweep.rows)
    best, top = found.best, max(sweep.truth.values())
    assert best.standing is not None
    loss = {i: top - truth for i, truth in sweep.truth.items()}
    own = loss[best.setting.rows[0].setting]
    clear = best.verdict == "clear"
    return {
        "said": best.standing.probability_within,
        "within": own <= WITHIN,
        "clear": clear,
        "right": own <= WITHIN,
        "loss": own,
        "expected": best.standing.expected_loss,
        "good": mean([loss[s.rows[0].setting] <= WITHIN for s in best.good]),
        "top": covers(found, sweep.best),
        "beyond": sweep.best.max() - top <= WITHIN or sweep.best[TRIED].max() == sweep.best.max(),
        "steady": best.verdict == with_more.best.verdict,
    }


def mean(values: Sequence[float]) -> float:
    """The mean; nan of nothing."""
    return float(np.mean(values)) if values else math.nan


def covers(found: Answer, curve: np.ndarray) -> bool:
    """Whether the interval holds a top of the true curve along WHOLE, in the range tried."""
    low, high = found.best.interval_norm or (math.inf, math.inf)
    inside = TRIED & (math.log(low) <= WHOLE) & (math.log(high) >= WHOLE)
    return bool(curve[inside].max(initial=-math.inf) >= curve[TRIED].max() - 0.001)


def main() -> None:
    """Print the table, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description="Do the statements of an answer hold?")
    parser.add_argument("--sweeps", type=int, default=100, help="simulated sweeps per kind")
    parser.add_argument("--kinds", choices=KINDS, default="new")
    parser.add_argument("--case", nargs="*", choices=CASES, help="these kinds alone")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    table = {}
    print(f"{'kind':20s}" + "".join(f"{name:>9s}" for name in COLUMNS))
    for case in arguments.case or KINDS[arguments.kinds]:
        row = table[case] = measure(case, arguments.sweeps)
        print(f"{case:20s}" + "".join(f"{row[name]:9.3g}" for name in COLUMNS), flush=True)
    overall = {name: float(np.nanmean([row[name] for row in table.values()])) for name in COLUMNS}
    print(f"{'all':20s}" + "".join(f"{overall[name]:9.3g}" for name in COLUMNS))
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=2).replace("NaN", "null") + "\n")


if __name__ == "__main__":
    main()
