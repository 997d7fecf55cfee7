"""How many runs does a search need? Searches replayed over tables of scores, real and simulated.

    python -m tests.benchmarks.search [--repeats 100] [--tables real sharp ...] [--ways race ...]
        [--json PATH]

A table has the scores of 4 latent sizes x 14 betas x 10 seeds or more; the real one was trained
by tests.benchmarks.search.train_table. Every search goes through `sweeps.search.schedule`, as that
of `sweep run` does: it sees settings, seeds and scores, and nothing else. One column each:

    runs      when the search was over, on average
    chosen    how often the setting that it chose then is within 0.01 of the best in the table
    loss      how far below the best its true mean is, on average
    to 95 %   the runs after which, in 95 of 100 searches, the setting chosen so far is within 0.01
              of the best, and stays so at all later looks (every 8 runs); - when it never is
    20, 40, … mean loss after so many runs

A race chooses by its surface, and claims to be within 0.01 with 95 % probability: `chosen` says how
often that is kept. The others choose the setting with the best mean score over its seeds, among
those with all seeds, as people do, and `grid` and `random` the same by the surface (+ surface).
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluation.analysis.choose import choose
from evaluation.analysis.inference.expectation import expect
from evaluation.analysis.table import RunRow
from sweeps.search.schedule import Schedule, Work
from sweeps.search.searcher import Searcher
from sweeps.sweepfile import SweepSpec, spec_of
from tests.benchmarks.output import add_json, show
from tests.benchmarks.search.tables import CHANCE, REAL, Table, real, simulated

WITHIN, EVERY, SEEDS = 0.01, 8, 10
MARKS = (20, 40, 80, 160, 320)
NO_PLACES = np.empty((0, 2))


@dataclass(frozen=True)
class Way:
    """One way to search. surface: whether it chooses by the surface. cost: of the repeats."""

    keys: Mapping[str, Any]
    surface: bool = False
    share: float = 1.0


WAYS = {
    "grid, 10 seeds": Way({"method": "grid", "seeds": 10}),
    "random, 1 seed": Way({"method": "random", "settings": 56, "seeds": 1}),
    "random, 10 seeds": Way({"method": "random", "settings": 56, "seeds": 10}),
    "random, 2 seeds + surface": Way({"method": "random", "settings": 56, "seeds": 2}, True),
    "TPE, 1 seed": Way({"method": "bayes", "settings": 56, "seeds": 1}, share=0.25),
    "TPE, 10 seeds": Way({"method": "bayes", "settings": 56, "seeds": 10}, share=0.25),
    "GP, 1 seed": Way({"method": "gp", "settings": 30, "seeds": 1}, share=0.1),
    "GP, 10 seeds": Way({"method": "gp", "settings": 30, "seeds": 10}, share=0.1),
    "race": Way({"method": "grid", "seeds": {"min": 2, "max": SEEDS}}, True),
    "race + surface": Way({"method": "surface", "seeds": {"min": 2, "max": SEEDS}}, True),
}


@dataclass(frozen=True)
class Replay:
    """One search: after how many runs it was looked at, and the true loss of its choice then."""

    runs: np.ndarray
    loss: np.ndarray


def spec_for(way: Way, table: Table) -> SweepSpec:
    """The sweep file of a search in the table."""
    space = {"latents": list(table.latents), "beta": list(table.betas)}
    base = {"name": "replay", "dataset": "dsprites", "parameters": space, "metric": "higgins"}
    return spec_of(base | dict(way.keys))


def replay(spec: SweepSpec, way: Way, table: Table, number: int) -> Replay:
    """Search `number` of a kind: each has scores and a search seed of its own."""
    spec = replace(spec, search_seed=number)
    scores = table.draw(np.random.default_rng([number, 7]), SEEDS)

    def place(parameters: Mapping[str, Any]) -> tuple[float, int]:
        latents = int(parameters["latents"])
        return float(parameters["beta"]) * latents / table.pixels, latents

    def row(work: Work, seed: int) -> RunRow:
        beta, latents = float(work.setting.parameters["beta"]), work.setting.parameters["latents"]
        score = scores[table.latents.index(latents), table.betas.index(beta), seed]
        norm, _ = place(work.setting.parameters)
        return RunRow(
            run=f"{work.setting.number}-{seed}",
            state="finished",
            beta=beta,
            beta_norm=norm,
            latents=latents,
            seed=seed,
            scores=(float(score),),
            setting=work.setting.number,
            chance=CHANCE,
        )

    schedule = Schedule(spec, Searcher(spec), place=place)
    rows: list[RunRow] = []
    looks: list[tuple[int, float]] = []
    at_work: list[Work] = []

    def look() -> None:
        chosen = choice(rows, way.surface)
        here = table.latents.index(chosen.latents), table.betas.index(chosen.beta)
        looks.append((len(rows), float(table.means.max() - table.means[here])))

    while True:
        work = schedule.ask()
        if isinstance(work, Work):
            at_work.append(work)
            if len(at_work) < spec.lookahead:
                continue
        if not at_work:
            break
        ended = at_work.pop(0)
        found = [row(ended, seed) for seed in ended.seeds]
        rows += found
        schedule.tell(ended, found)
        if not looks or len(rows) - looks[-1][0] >= EVERY:
            look()
    if looks[-1][0] < len(rows):
        look()
    return Replay(*map(np.array, zip(*looks, strict=True)))


def choice(rows: Sequence[RunRow], surface: bool) -> RunRow:
    """A run of the setting that would be chosen now."""
    if surface and (known := expect(rows, "maximize", NO_PLACES, 200, 0)):
        best = known.settings[known.draws.mean(axis=0).argmax()]
        return next(row for row in rows if row.setting == best)
    return choose(rows, policy="mean").best.rows[0]


def figures(found: Sequence[Replay]) -> dict[str, Any]:
    """One line of the table."""
    at = np.arange(EVERY, max(int(r.runs[-1]) for r in found) + 1, EVERY)
    losses = np.array([loss_at(r, at) for r in found])
    good = (losses <= WITHIN).mean(axis=0)
    never = np.flatnonzero(good < 0.95)
    settled = at[0] if not len(never) else at[min(never[-1] + 1, len(at) - 1)]
    reached = good[-1] >= 0.95
    last = np.array([r.loss[-1] for r in found])
    marks = {str(n): float(np.mean([loss_at(r, np.array([n]))[0] for r in found])) for n in MARKS}
    return {
        "repeats": len(found),
        "runs": float(np.mean([r.runs[-1] for r in found])),
        "chosen": float((last <= WITHIN).mean()),
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
        "loss": ("loss", ".4f"),
        "settled": ("to 95 %", ""),
        **{str(mark): (str(mark), ".3f") for mark in MARKS},
        "seconds": ("s", ".0f"),
    }
    show(rows, arguments, columns)


if __name__ == "__main__":
    main()
