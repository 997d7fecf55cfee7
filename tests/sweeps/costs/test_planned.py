"""A sweep file that was changed: only what is new is trained, as plan and first lines say."""

import dataclasses
import io
import random
from typing import cast

import pytest
from rich.console import Console

from sweeps.console.progress import Progress
from sweeps.costs.planned import Planned
from sweeps.driver import _Session
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from sweeps.tracking.tracker import Tracker
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up

TRAINER = {"architecture": "mlp", "steps": 10}
SPACE = {"latents": [2, 4], "beta": [1, 4]}
RACE = {"min": 2, "max": 4}
KEYS = {"parameters": SPACE, "metric": "mig", "evaluation": {"mig": {"points": 100}}}
BEFORE = a_spec(**KEYS)  # four settings of two seeds
CHANGES = {  # keys, then the runs that are new and those to be rescored
    "nothing": ({}, 0, 0),
    "wider beta": ({"parameters": {**SPACE, "beta": [0.5, 1, 4, 16]}}, 8, 0),
    "more latent sizes": ({"parameters": {**SPACE, "latents": [2, 3, 4]}}, 4, 0),
    "another order": ({"parameters": {"beta": [4, 1], "latents": [4, 2]}}, 0, 0),
    "a range": ({"parameters": {**SPACE, "beta": {"min": 1, "max": 4, "points": 2}}}, 0, 0),
    "more seeds": ({"seeds": 4}, 8, 0),
    "other seeds": ({"seeds": [1, 5]}, 4, 0),
    "fewer seeds": ({"seeds": 1}, 0, 0),
    "a race": ({"seeds": RACE}, 0, 0),
    "surface": ({"seeds": RACE, "method": "surface"}, 0, 0),
    "random": ({"method": "random", "settings": 4}, 0, 0),
    "name": ({"name": "other"}, 0, 0),
    "metric": ({"metric": "sap"}, 0, 8),
    "options of the metric": ({"evaluation": {"mig": {"points": 200}}}, 0, 8),
    "a default": ({"parameters": {**SPACE, "batch_size": [64]}}, 0, 0),
    "a default and more": ({"parameters": {**SPACE, "batch_size": [64, 32]}}, 8, 0),
    "a default in trainer": ({"trainer": {**TRAINER, "batch_size": 64}}, 0, 0),
    "more steps": ({"trainer": {**TRAINER, "steps": 20}}, 8, 0),
    "pack": ({"pack": 8}, 0, 0),
    "budget": ({"budget": {"runs": 5}}, 0, 0),
    "early stop": ({"early_stop": {"halving": {"at": 0.5}}}, 0, 0),
}


def finish(sweep: Sweep, first_blocks: int = 10**6) -> tuple[int, int]:
    """Runs it without training, the race's rounds left out; how many are trained, and rescored."""
    queue, trained, rescored = TrialQueue(sweep, Searcher(sweep.spec)), 0, 0
    queue.replay()
    while first_blocks and isinstance(block := queue.next(), Block):
        first_blocks -= 1
        for run in block.runs:
            is_new = sweep.store.result(run.id) is None
            trained, rescored = trained + is_new, rescored + (not is_new)
            score = random.Random(run.id).random()
            metric = sweep.metrics.metric
            write_made_up(sweep.store, sweep.spec, sweep.data, run, score, metric=metric)
        queue.ended(block)
    return trained, rescored


def first_lines(sweep: Sweep) -> list[str]:
    output = io.StringIO()
    console = Console(file=output, width=1000)
    progress = Progress(console, sweep.spec.most_runs, "maximize")
    queue = TrialQueue.resume(sweep, [progress])
    queue.replay()
    _Session(sweep, queue, progress, cast(Tracker, None), console)._announce()
    return output.getvalue().splitlines()


@pytest.mark.parametrize("change", CHANGES)
def test_only_what_is_new_is_trained_as_the_plan_says(change: str, tmp_path) -> None:
    keys, new, rescored = CHANGES[change]
    store, data = Store(tmp_path / "store"), a_dataset()
    assert finish(Sweep(BEFORE, store, data)) == (8, 0)
    spec = a_spec(**KEYS | keys)
    sweep = Sweep(spec, store, data)
    planned = Planned.of(sweep, store.glance())
    assert (planned.runs_left, planned.to_score) == (new, rescored)
    shown = [line for line in first_lines(sweep) if line.startswith("in the store: ")]
    assert shown == ([f"in the store: {planned.in_words()}"] if planned.in_store else [])
    certain = without_rounds(spec)
    assert finish(Sweep(certain, store, data)) == (new, rescored)
    assert Planned.of(sweep, store.glance()).trials_left == 0


def without_rounds(spec: SweepSpec) -> SweepSpec:
    """A race that ends once every setting has its first seeds."""
    if spec.racing is None:
        return spec
    budget = dataclasses.replace(spec.budget, runs=spec.first_runs)
    return dataclasses.replace(spec, budget=budget)


def test_a_plan_says_what_is_left_and_what_the_race_may_add(tmp_path) -> None:
    store, data = Store(tmp_path / "store"), a_dataset()
    race = Sweep(a_spec(**KEYS, seeds=RACE), store, data)
    sweep = Sweep(BEFORE, store, data)
    assert Planned.of(sweep, store.glance()).in_words() == "0 runs; left: 8 runs in 4 trials"
    finish(sweep, first_blocks=1)
    assert Planned.of(race, store.glance()).in_words() == (
        "2 runs; left: 6 runs in 3 trials and up to 8 that the race adds"
    )
    finish(sweep)
    assert Planned.of(sweep, store.glance()).in_words() == "8 runs; left: nothing"
    other = Sweep(a_spec(**KEYS | {"metric": "sap"}), store, data)
    assert Planned.of(other, store.glance()).in_words() == (
        "8 runs, 8 of them to be rescored; left: 4 trials"
    )
