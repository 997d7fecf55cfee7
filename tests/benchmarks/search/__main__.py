"""How many runs does a search need? Searches replayed over tables of scores, real and simulated.

    python -m tests.benchmarks.search [--repeats 200] [--minutes 30] [--tables real sharp ...]
        [--ways race ...] [--found FILE] [--json FILE] [--plot FILE] [--markdown]
    python -m tests.benchmarks.search --read sweeps/reference/search/replays.json --markdown

A table has the scores of 4 latent sizes x 14 betas x 10 seeds or more; the real one was trained
by tests.benchmarks.search.train_table. Every search goes through `sweeps.scheduling.schedule`, as
that of `sweep run` does, and sees only settings, seeds and scores. The searches take turns, ten
repetitions each, until each has `--repeats` or the minutes are over; `--found` saves each replay,
so the same command continues. The columns:

    runs      when the search was over, on average
    chosen    how often the setting that it chose then is within 0.01 of the best in the table
    said      the probability of this that it stated then, on average
    ±         standard error of said - chosen
    claimed   how often it stopped because that was 0.95 or more
    kept      how often such a claim was true; `false`: how often one was not, of all searches
    loss      how far below the best its true mean is, on average
    at 56     how often the setting chosen after 56 runs, a tenth of the full grid, is within 0.01
    to 95 %   the number of runs after which, in 95 of 100 searches, the setting chosen so far is
              within 0.01 of the best, and stays so at all later looks (every 8 runs); - if never
    20, 40, … mean loss after that many runs
    bound     the average number of runs that any search needs to be right in 95 of 100 and know it,
              if it infers nothing about one setting from another (tests.benchmarks.search.bound)

A race chooses by its surface. Where two settings differ by little more than 0.01, ten seeds of each
cannot tell them apart: it then ends with all of them spent, and states less than 0.95. The others
choose the setting with the best mean score over its seeds, among those with all seeds, as people
do; `+ surface` by the surface. ASHA halves over seeds (tests.benchmarks.search.halving). TPE and
the GP search beta in a range, and the score is that of the nearest beta in the table; among listed
values, which have no order to them, TPE needs more runs.

The simulated tables are hard on purpose, and a probability that holds on average over curves need
not hold for each. So `drawn` is a new curve in every repetition, of five shapes and any position,
width and height: there, what is stated must be true.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.output import add_json, show
from tests.benchmarks.search.bound import fewest_runs
from tests.benchmarks.search.found import Found
from tests.benchmarks.search.markdown import in_markdown
from tests.benchmarks.search.plot import plot_regret
from tests.benchmarks.search.reliability import bands, standard_error
from tests.benchmarks.search.replay import EVERY, SEEDS, Replay, Way, replay, spec_for
from tests.benchmarks.search.tables import TABLES

WITHIN, CONFIDENCE = 0.01, 0.95
TENTH = 56  # of the runs of the full grid
MARKS = (20, 40, 80, 160, 320)
BLOCK = 10  # repetitions of a search before it is the turn of the next

WAYS = {
    "grid, 10 seeds": Way({"method": "grid", "seeds": 10}),
    "random, 1 seed": Way({"method": "random", "settings": 56, "seeds": 1}),
    "random, 10 seeds": Way({"method": "random", "settings": 56, "seeds": 10}),
    "random, 2 seeds + surface": Way({"method": "random", "settings": 56, "seeds": 2}, True),
    "TPE, 1 seed": Way({"method": "bayes", "settings": 56, "seeds": 1}, ranges=True),
    "TPE, 10 seeds": Way({"method": "bayes", "settings": 56, "seeds": 10}, ranges=True),
    "TPE among values, 10 seeds": Way({"method": "bayes", "settings": 56, "seeds": 10}),
    "GP, 1 seed": Way({"method": "gp", "settings": 56, "seeds": 1}, ranges=True),
    "GP, 10 seeds": Way({"method": "gp", "settings": 30, "seeds": 10}, ranges=True),
    "ASHA over seeds": Way({"method": "grid", "seeds": SEEDS}, halving=True),
    "ASHA, 4 at a time": Way({"method": "grid", "seeds": SEEDS, "lookahead": 4}, halving=True),
    "race": Way({"method": "grid", "seeds": {"min": 2, "max": SEEDS}}, True),
    "race + surface": Way({"method": "surface", "seeds": {"min": 2, "max": SEEDS}}, True),
    "race + surface, 4 at a time": Way(
        {"method": "surface", "seeds": {"min": 2, "max": SEEDS}, "lookahead": 4}, True
    ),
}

COLUMNS = {
    "table": ("table", ""),
    "way": ("search", ""),
    "repeats": ("repeats", ""),
    "runs": ("runs", ".0f"),
    "chosen": ("chosen", ".2f"),
    "said": ("said", ".2f"),
    "error": ("±", ".2f"),
    "claimed": ("claimed", ".2f"),
    "kept": ("kept", ".2f"),
    "false": ("false", ".3f"),
    "loss": ("loss", ".4f"),
    "tenth": ("at 56", ".2f"),
    "settled": ("to 95 %", ""),
    **{str(mark): (str(mark), ".3f") for mark in MARKS},
    "bound": ("bound", ".0f"),
}


def figures(found: Sequence[Replay]) -> dict[str, Any]:
    """One line of the table."""
    at = np.arange(EVERY, max(int(r.runs[-1]) for r in found) + 1, EVERY)
    losses = np.array([r.loss_at(at) for r in found])
    good = (losses <= WITHIN).mean(axis=0)
    never = np.flatnonzero(good < 0.95)
    settled = at[0] if not len(never) else at[min(never[-1] + 1, len(at) - 1)]
    reached = good[-1] >= 0.95
    last = np.array([r.loss[-1] for r in found])
    ends = [(r.said, bool(r.loss[-1] <= WITHIN)) for r in found if r.said is not None]
    said, right = [s for s, _ in ends], [r for _, r in ends]
    claims = [r for r in found if r.said is not None and r.said >= CONFIDENCE]
    true = sum(bool(r.loss[-1] <= WITHIN) for r in claims)
    at_marks = np.array([r.loss_at(np.array(MARKS)) for r in found])
    marks = {str(n): float(loss) for n, loss in zip(MARKS, at_marks.mean(axis=0), strict=True)}
    shares = (at_marks <= WITHIN).mean(axis=0)
    return {
        "repeats": len(found),
        "runs": float(np.mean([r.runs[-1] for r in found])),
        "chosen": float((last <= WITHIN).mean()),
        "said": float(np.mean(said)) if said else None,
        "error": standard_error(said, right) if len(said) > 1 else None,
        "claimed": len(claims) / len(found) if said else None,
        "kept": true / len(claims) if claims else None,
        "false": (len(claims) - true) / len(found) if said else None,
        "loss": float(last.mean()),
        "tenth": float(np.mean([r.loss_at(np.array([TENTH]))[0] <= WITHIN for r in found])),
        "settled": int(settled) if reached else None,
        **marks,
        "right": {str(n): float(share) for n, share in zip(MARKS, shares, strict=True)},
        "bands": bands(said, right) if said else None,
    }


def main() -> None:
    """Prints a line for each table and way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so many")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--found", type=Path, help="file that keeps each replay (JSON lines)")
    parser.add_argument("--plot", type=Path, help="PNG of curves against runs")
    parser.add_argument("--markdown", action="store_true", help="then as in docs/measurements.md")
    parser.add_argument("--read", type=Path, help="replay nothing, show what --json wrote there")
    add_json(parser)
    arguments = parser.parse_args()
    if arguments.read:
        rows = [
            dict.fromkeys(COLUMNS) | row for row in json.loads(arguments.read.read_text())["rows"]
        ]
    else:
        rows = _replayed(arguments)
    show(rows, arguments, COLUMNS)
    if arguments.markdown:
        print(in_markdown(rows))


def _replayed(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Replays the searches in turns; figures of each table and way."""
    found = Found(arguments.found)
    end = time.monotonic() + 60 * arguments.minutes
    for block in range(0, arguments.repeats, BLOCK):
        numbers = range(block, min(block + BLOCK, arguments.repeats))
        for name in arguments.tables:
            for way in arguments.ways:
                missing = [n for n in numbers if (name, way, n) not in found]
                for number in missing:
                    if time.monotonic() < end:
                        table = TABLES[name](number)
                        one = replay(spec_for(WAYS[way], table), WAYS[way], table, number)
                        found.add(name, way, number, one)
                if missing:
                    print(f"{name}, {way}: {len(found.of(name, way))}", flush=True)
    rows = []
    for name in arguments.tables:
        bound = None if name == "drawn" else fewest_runs(TABLES[name](0), WITHIN, 1 - CONFIDENCE)
        for way in arguments.ways:
            if replays := found.of(name, way):
                rows.append({"table": name, "way": way, **figures(replays), "bound": bound})
    if arguments.plot:
        curves = {n: {w: found.of(n, w) for w in arguments.ways} for n in arguments.tables}
        plot_regret(curves, arguments.plot)
    return rows


if __name__ == "__main__":
    main()
