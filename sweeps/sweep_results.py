"""What the store has of the runs of a sweep: their results, and how far it has come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.run_store import Store
from sweeps.sweepfile import SweepSpec


@dataclass(frozen=True)
class Status:
    """Runs of a sweep by state.

    pending: not ended, whether or not they were begun, or even proposed.
    settings: how many of `settings_total` have ended, all their seeds.
    running: who runs the sweep now, None when nobody does.
    """

    finished: int
    failed: int
    pending: int
    total: int
    settings: int
    settings_total: int
    running: str | None


def status(spec: SweepSpec, store: Store) -> Status:
    """How far the sweep has come. Looks at the store alone, not at the data."""
    seeds = len(spec.seed_list)
    states: Counter[str] = Counter()
    settings = 0
    for number, runs in store.recorded_runs(spec).items():
        if number >= spec.setting_count:
            continue
        results = store.results(tuple(runs.values()), hashes=False).values()
        ended = [result["state"] for result in results if result is not None]
        states.update(ended)
        settings += len(ended) == seeds
    total = spec.setting_count * seeds
    ended_runs = states["finished"] + states["failed"]
    return Status(
        finished=states["finished"],
        failed=states["failed"],
        pending=total - ended_runs,
        total=total,
        settings=settings,
        settings_total=spec.setting_count,
        running=store.holder(spec.name),
    )


def scored(
    store: Store, runs: Sequence[str], setting: int, evaluation: str, hashes: bool = False
) -> dict[str, dict[str, Any]]:
    """Results of the runs of a setting that have this evaluation, by id, with what a sweep adds.

    Added are `setting`, `folder` and `evaluation`.
    hashes: compare the files' SHA-256, not their sizes alone.
    """
    added = {"setting": setting, "evaluation": evaluation}
    return {
        run: {**result, **added, "folder": str(store.run_folder(run))}
        for run, result in store.results(runs, hashes).items()
        if result is not None and is_scored(result, evaluation)
    }


def is_scored(result: Mapping[str, Any], evaluation: str) -> bool:
    """Whether a result has this evaluation, or is of a run that failed and needs none."""
    return result["state"] == "failed" or evaluation in result["evaluations"]
