"""One search replayed over a table of scores: it sees settings, seeds and scores alone."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluation.analysis.choose import choose
from evaluation.analysis.inference.expectation import expect
from evaluation.analysis.table import RunRow
from sweeps.scheduling.schedule import Schedule, Work
from sweeps.scheduling.searcher import Searcher
from sweeps.sweepfile import SweepSpec, spec_of
from tests.benchmarks.search.halving import Halving
from tests.benchmarks.search.tables import Table, run_of

SEEDS, EVERY = 10, 8
NO_PLACES = np.empty((0, 2))


@dataclass(frozen=True)
class Way:
    """One way to search.

    keys: of its sweep file. surface: whether it chooses by the surface. halving: whether it is
    `Halving`. ranges: whether it searches beta in a range, and the nearest one in the table counts.
    """

    keys: Mapping[str, Any]
    surface: bool = False
    halving: bool = False
    ranges: bool = False


@dataclass(frozen=True)
class Replay:
    """One search: after how many runs it was looked at, and the true loss of its choice then.

    said: the probability that it gave, at the end, of being near enough; None where it gives none.
    probabilities: (looks,) the same at every look; nan where it gives none. Not kept in a file.
    """

    runs: np.ndarray
    loss: np.ndarray
    said: float | None
    probabilities: np.ndarray | None = None

    def loss_at(self, runs: np.ndarray) -> np.ndarray:
        """The loss after these numbers of runs; before the first look, that of the first."""
        return self.loss[np.clip(np.searchsorted(self.runs, runs, side="right") - 1, 0, None)]


def spec_for(way: Way, table: Table) -> SweepSpec:
    """The sweep file of a search in the table."""
    parameters: dict[str, Any] = {"latents": list(table.latents), "beta": list(table.betas)}
    if way.ranges:
        low, high = min(table.betas), max(table.betas)
        parameters["beta"] = {"min": low, "max": high, "distribution": "log_uniform"}
    base = {"name": "replay", "dataset": "dsprites", "parameters": parameters, "metric": "higgins"}
    return spec_of(base | dict(way.keys))


def replay(
    spec: SweepSpec, way: Way, table: Table, number: int, rounds: int | None = None
) -> Replay:
    """Search `number` of a kind: each has scores and a search seed of its own.

    rounds: how many rounds running must be certain, if not as many as in a sweep.
    """
    spec = replace(spec, search_seed=number)
    scores = table.draw(np.random.default_rng([number, 7]), SEEDS)

    def place(parameters: Mapping[str, Any]) -> tuple[float, int]:
        latents = int(parameters["latents"])
        return float(parameters["beta"]) * latents / table.pixels, latents

    visits: dict[tuple[int, int], list[int]] = defaultdict(list)  # settings by place in the table

    def row(work: Work, seed: int) -> RunRow:
        beta, latents = float(work.setting.parameters["beta"]), work.setting.parameters["latents"]
        here = table.cell(beta, latents)
        number = work.setting.number
        if number not in visits[here]:
            visits[here].append(number)
        # another beta near the same one of the table has seeds of its own, while there are any
        earlier = visits[here].index(number) * len(spec.first_seeds)
        score = scores[(*here, (earlier + seed) % SEEDS)]
        return run_of(table, number, beta, latents, seed, float(score))

    schedule: Schedule | Halving
    if way.halving:
        schedule = Halving(spec.parameters, number)
    else:
        schedule = Schedule(spec, Searcher(spec), place=place)
        if rounds is not None:
            assert schedule._rule is not None
            schedule._rule = replace(schedule._rule, rounds=rounds)
    rows: list[RunRow] = []
    looks: list[tuple[int, float, float]] = []
    at_work: list[Work] = []

    def look(favourite: int | None) -> None:
        if favourite is None:
            favourite = choice(rows, way)
        chosen = next(row for row in rows if row.setting == favourite)
        here = table.cell(chosen.beta, chosen.latents)
        said = math.nan if schedule.probability is None else schedule.probability
        looks.append((len(rows), float(table.means.max() - table.means[here]), said))

    while True:
        work = schedule.ask()
        new = not looks or looks[-1][0] < len(rows)
        if schedule.favourite is not None and not at_work and new:
            look(schedule.favourite)  # as the race itself sees it, once per round
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
        if schedule.favourite is None and len(rows) - (looks[-1][0] if looks else 0) >= EVERY:
            look(None)
    if looks[-1][0] < len(rows):
        look(schedule.favourite)
    runs, loss, said = map(np.array, zip(*looks, strict=True))
    return Replay(runs, loss, schedule.probability, said)


def choice(rows: Sequence[RunRow], way: Way) -> int:
    """The setting that would be chosen now."""
    if way.surface and (known := expect(rows, "maximize", NO_PLACES, 200, 0)):
        return int(known.settings[known.draws.mean(axis=0).argmax()])
    settings = choose(rows, policy="mean").settings
    most = max(setting.seeds for setting in settings) if way.halving else 0
    best = next(setting for setting in settings if setting.seeds >= most)
    return best.rows[0].setting
