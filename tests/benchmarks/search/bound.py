"""The fewest runs that a search can need, if it infers nothing about one setting from another.

    python -m tests.benchmarks.search.bound [--tables real edge ...] [--json FILE]

That bound is for searches that vouch for their choice. For those that do not, it prints how many
runs noise alone demands: told beforehand which K settings of the table are the best, and giving
each of them one seed, two, …, ten, after how many runs is the setting with the best mean within
0.01 of the best in 95 of 100?
"""

import argparse
import math

import numpy as np

from tests.benchmarks.output import add_json, show
from tests.benchmarks.search.tables import TABLES, Table

SAMPLED = 4000  # scores that a simulated setting's variance is measured by
TOLD = (6, 8, 12, 56)  # settings
DRAWN, SEEDS = 2000, 10
WITHIN, FAILING = 0.01, 0.05


def fewest_runs(table: Table, within: float, failing: float) -> float:
    """Average runs to name a setting within `within` of the best, wrong at most in `failing`.

    The lower bound for independent Gaussian arms of known variance with several correct answers
    (Degenne & Koolen 2019; Garivier & Kaufmann 2016 for one): kl(failing, 1 - failing) / rate,
    where the rate is that of the best allocation of runs for the setting that is easiest to prove.
    A correct search can beat it only by knowing more, such as that neighbours have similar scores.
    The bound ignores that a setting has at most so many seeds, so it may exceed the whole table.
    """
    count = next(n for n in (SAMPLED, 15) if _has(table, n))
    scores = table.draw(np.random.default_rng(0), count)
    means = table.means.ravel()
    variances = np.maximum(scores.var(axis=2, ddof=1).ravel(), 1e-6)
    good = np.flatnonzero(means >= means.max() - within)
    of_unit_rate = min(_of_unit_rate(means, variances, i, within) for i in good)
    return of_unit_rate * (1 - 2 * failing) * math.log((1 - failing) / failing)


def _of_unit_rate(means: np.ndarray, variances: np.ndarray, chosen: int, within: float) -> float:
    """Runs that give every other setting evidence of 1 nat against being better by `within`.

    With n runs of the chosen one, setting j needs variance_j / (gap_j^2 / 2 - variance / n).
    """
    others = np.arange(len(means)) != chosen
    gaps = means[chosen] - means[others] + within
    if gaps.min() <= 1e-9:
        return math.inf
    least = 2 * variances[chosen] / gaps.min() ** 2
    own = least * np.geomspace(1.0001, 1000.0, 2000)
    needed = variances[others] / (gaps**2 / 2 - variances[chosen] / own[:, None])
    return float((own + needed.sum(axis=1)).min())


def _has(table: Table, seeds: int) -> bool:
    return table.draw(np.random.default_rng(0), seeds).shape[2] == seeds


def runs_if_told(table: Table, settings: int, within: float, failing: float) -> int | None:
    """Runs after which the best mean of the `settings` best ones is right often enough.

    All get the same number of seeds. None where SEEDS of each do not suffice.
    """
    means = table.means.ravel()
    told = np.argsort(-means)[:settings]
    right = means[told] >= means.max() - within
    found = np.zeros(SEEDS)
    for number in range(DRAWN):
        scores = table.draw(np.random.default_rng([number, 7]), SEEDS)
        averages = scores.reshape(len(means), SEEDS)[told].cumsum(axis=1) / np.arange(1, SEEDS + 1)
        found += right[averages.argmax(axis=0)] / DRAWN
    enough = np.flatnonzero(found >= 1 - failing)
    return settings * int(enough[0] + 1) if len(enough) else None


def main() -> None:
    """Prints one line per table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [name for name in TABLES if name != "drawn"]
    parser.add_argument("--tables", nargs="+", choices=names, default=names)
    add_json(parser)
    arguments = parser.parse_args()
    rows = []
    for name in arguments.tables:
        table = TABLES[name](0)
        told = {f"{k} told": runs_if_told(table, k, WITHIN, FAILING) for k in TOLD}
        rows.append({"table": name, "bound": fewest_runs(table, WITHIN, FAILING), **told})
    columns = {"table": ("table", ""), "bound": ("bound", ".0f")}
    show(rows, arguments, columns | {f"{k} told": (f"{k} told", "") for k in TOLD})


if __name__ == "__main__":
    main()
