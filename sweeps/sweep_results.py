"""A sweep's runs in the store: their results, and the progress of the sweep."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.metric_plan import MetricPlan
from sweeps.overview import Glance
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.scheduling import rounds
from sweeps.scheduling.unscored import collapsed
from sweeps.stored_settings import StoredSetting
from sweeps.sweepfile import SweepSpec


@dataclass(frozen=True)
class Status:
    """Runs of a sweep by state.

    pending: not ended, whether or not started or even proposed; in a race, those decided on so
        far.
    settings: how many of `settings_total` have ended with all their seeds.
    running: who is running the sweep; None if nobody is.
    earlier: finished runs of settings that were tried before the space was changed.
    """

    finished: int
    failed: int
    pending: int
    total: int
    settings: int
    settings_total: int
    running: str | None
    earlier: int = 0


def status(
    spec: SweepSpec,
    store: Store,
    held: Sequence[StoredSetting] | None = None,
    glance: Glance | None = None,
) -> Status:
    """The progress of the sweep.

    held: the settings with runs in the store (`stored_settings`, which needs the data); by
        default those recorded for this search.
    glance: the look at the store that found them.
    """
    sure = rounds.decided(store, spec)
    states: Counter[str] = Counter()
    settings = earlier = 0
    if held is None:
        recorded = store.recorded_runs(spec).items()
        held = [StoredSetting(Setting(number, {}), runs) for number, runs in recorded]
    in_store = (glance or store.glance()).ended(run for one in held for run in one.runs.values())
    for one in held:
        ended = [in_store[run].state for run in one.runs.values() if run in in_store]
        if one.setting.number >= spec.setting_count:
            earlier += len(ended)
            continue
        states.update(ended)
        settings += len(ended) >= len(sure.seeds.get(one.setting.number, spec.first_seeds))
    ended_runs = states["finished"] + states["failed"]
    total = max(sure.runs - len(collapsed(store, spec, in_store)), ended_runs)
    return Status(
        finished=states["finished"],
        failed=states["failed"],
        pending=total - ended_runs,
        total=total,
        settings=settings,
        settings_total=sure.settings,
        running=store.holder(spec.name),
        earlier=earlier,
    )


def scored(
    store: Store, runs: Sequence[str], setting: int, evaluation: str, hashes: bool = False
) -> dict[str, dict[str, Any]]:
    """Results of the runs of a setting that have this evaluation, by id.

    Each also has `setting`, `folder` and `evaluation`.
    hashes: compare the files' SHA-256, not only their sizes.
    """
    added = {"setting": setting, "evaluation": evaluation}
    return {
        run: {**result, **added, "folder": str(store.run_folder(run))}
        for run, result in store.results(runs, hashes).items()
        if result is not None and is_scored(result, evaluation)
    }


def scored_alike(held: StoredSetting, plan: MetricPlan, glance: Glance) -> list[dict[str, Any]]:
    """Comparable results of the runs of a setting, in order of seeds, like `scored`.

    Where a metric compares seeds, all scores are for one set of seeds: all of them if scored, else
    the largest set that was.
    """
    everyone = tuple(held.runs.values())
    stored = glance.results(everyone)
    sets = {everyone} | {
        tuple(scores["seeds"])
        for result in stored.values()
        for scores in result["evaluations"].values()
        if isinstance(scores.get("seeds"), list) and set(scores["seeds"]) <= set(everyone)
    }
    added = {"setting": held.setting.number}
    ended = {
        run: stored[run] | added | {"folder": str(glance.folder(run))}
        for run in everyone
        if run in stored
    }
    by_set = []
    for runs in sorted(sets, key=len, reverse=True):
        evaluation = plan.identity(runs)
        found = [
            {**result, "evaluation": evaluation}
            for result in ended.values()
            if is_scored(result, evaluation)
        ]
        by_set.append(found)
        if any(evaluation in result["evaluations"] for result in found):
            return found
    return by_set[0]  # only failed runs, if any


def is_scored(result: Mapping[str, Any], evaluation: str) -> bool:
    """Whether a result has this evaluation, or belongs to a failed run, which needs none."""
    return result["state"] == "failed" or evaluation in result["evaluations"]
