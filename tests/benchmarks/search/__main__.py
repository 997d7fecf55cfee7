"""How many runs does a search need? Searches replayed over tables of scores, real and simulated.

    python -m tests.benchmarks.search [--repeats 100] [--tables real sharp ...] [--ways race ...]
        [--json PATH]

A table has the scores of 4 latent sizes x 14 betas x 10 seeds or more; the real one was trained
by tests.benchmarks.search.train_table. Every search goes through `sweeps.search.schedule`, as that
of `sweep run` does: it sees settings, seeds and scores, and nothing else. One column each:

    runs      when the search was over, on average
    chosen    how often the setting that it chose then is within 0.01 of the best in the table
    said      the probability of that which it gave then, on average
    claimed   how often it stopped because that was 0.95 or more
    kept      how often such a claim was true; `false`: how often one was not, of all searches
    loss      how far below the best its true mean is, on average
    to 95 %   the runs after which, in 95 of 100 searches, the setting chosen so far is within 0.01
              of the best, and stays so at all later looks (every 8 runs); - when it never is
    20, 40, … mean loss after so many runs

A race chooses by its surface. Where two settings differ by little more than 0.01, ten seeds of each
cannot tell them apart: it then ends with all of them spent, and says less than 0.95. The others
choose the setting with the best mean score over its seeds, among those with all seeds, as people
do, and `+ surface` by the surface. ASHA halves over seeds (tests.benchmarks.search.halving).
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.benchmarks.output import add_json, show
from tests.benchmarks.search.replay import EVERY, SEEDS, Replay, Way, replay, spec_for
from tests.benchmarks.search.tables import REAL, real, simulated

WITHIN, CONFIDENCE = 0.01, 0.95
MARKS = (20, 40, 80, 160, 320)

WAYS = {
    "grid, 10 seeds": Way({"method": "grid", "seeds": 10}),
    "random, 1 seed": Way({"method": "random", "settings": 56, "seeds": 1}),
    "random, 10 seeds": Way({"method": "random", "settings": 56, "seeds": 10}),
    "random, 2 seeds + surface": Way({"method": "random", "settings": 56, "seeds": 2}, True),
    "TPE, 1 seed": Way({"method": "bayes", "settings": 56, "seeds": 1}, share=0.25),
    "TPE, 10 seeds": Way({"method": "bayes", "settings": 56, "seeds": 10}, share=0.25),
    "GP, 1 seed": Way({"method": "gp", "settings": 30, "seeds": 1}, share=0.1),
    "GP, 10 seeds": Way({"method": "gp", "settings": 30, "seeds": 10}, share=0.1),
    "ASHA over seeds": Way({"method": "grid", "seeds": SEEDS}, halving=True),
    "race": Way({"method": "grid", "seeds": {"min": 2, "max": SEEDS}}, True),
    "race + surface": Way({"method": "surface", "seeds": {"min": 2, "max": SEEDS}}, True),
}


def figures(found: Sequence[Replay]) -> dict[str, Any]:
    """One line of the table."""
    at = np.arange(EVERY, max(int(r.runs[-1]) for r in found) + 1, EVERY)
    losses = np.array([loss_at(r, at) for r in found])
    good = (losses <= WITHIN).mean(axis=0)
    never = np.flatnonzero(good < 0.95)
    settled = at[0] if not len(never) else at[min(never[-1] + 1, len(at) - 1)]
    reached = good[-1] >= 0.95
    last = np.array([r.loss[-1] for r in found])
    said = [r.said for r in found if r.said is not None]
    claims = [r for r in found if r.said is not None and r.said >= CONFIDENCE]
    true = sum(bool(r.loss[-1] <= WITHIN) for r in claims)
    marks = {str(n): float(np.mean([loss_at(r, np.array([n]))[0] for r in found])) for n in MARKS}
    return {
        "repeats": len(found),
        "runs": float(np.mean([r.runs[-1] for r in found])),
        "chosen": float((last <= WITHIN).mean()),
        "said": float(np.mean(said)) if said else None,
        "claimed": len(claims) / len(found) if said else None,
        "kept": true / len(claims) if claims else None,
        "false": (len(claims) - true) / len(found) if said else None,
        "loss": float(last.mean()),
        "settled": int(settled) if reached else None,
        **marks,
    }


def loss_at(one: Replay, at: np.ndarray) -> np.ndarray:
    """True loss of what was chosen after so many runs; before the first look, of the first."""
    return one.loss[np.clip(np.searchsorted(one.runs, at, side="right") - 1, 0, None)]


def main() -> None:
    """Prints a line for each table and way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=100, help="of the quick ones")
    parser.add_argument("--tables", nargs="+", metavar="NAME", help="all by default")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    add_json(parser)
    arguments = parser.parse_args()
    tables = ([real()] if REAL.exists() else []) + simulated()
    rows = []
    for table in tables:
        if arguments.tables and table.name not in arguments.tables:
            continue
        for name in arguments.ways:
            way, began = WAYS[name], time.process_time()
            spec = spec_for(way, table)
            repeats = max(5, round(arguments.repeats * way.share))
            found = [replay(spec, way, table, number) for number in range(repeats)]
            seconds = time.process_time() - began
            rows.append({"table": table.name, "way": name, **figures(found), "seconds": seconds})
            print(f"{table.name}, {name}: {repeats} repeats, {seconds:.0f} s", flush=True)
    columns = {
        "table": ("table", ""),
        "way": ("search", ""),
        "repeats": ("repeats", ""),
        "runs": ("runs", ".0f"),
        "chosen": ("chosen", ".2f"),
        "said": ("said", ".2f"),
        "claimed": ("claimed", ".2f"),
        "kept": ("kept", ".2f"),
        "false": ("false", ".3f"),
        "loss": ("loss", ".4f"),
        "settled": ("to 95 %", ""),
        **{str(mark): (str(mark), ".3f") for mark in MARKS},
        "seconds": ("s", ".0f"),
    }
    show(rows, arguments, columns)


if __name__ == "__main__":
    main()
