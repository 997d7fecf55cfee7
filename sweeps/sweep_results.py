"""What the store knows of one sweep: its rows for the analysis, and how far it has come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.analysis.conclude import Conclusion, conclude
from evaluation.analysis.table import RunRow, rows_from_results
from sweeps.metric_plan import plan_metrics
from sweeps.run_store import Store
from sweeps.sweepfile import SweepSpec
from trainer.data.dataset import Dataset
from trainer.errors import UserError


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


def rows(spec: SweepSpec, store: Store, data: Dataset) -> tuple[RunRow, ...]:
    """The runs of all settings that are complete: every seed has ended and was evaluated.

    A setting with some of its seeds is left out: it would be judged by luck.
    """
    return rows_of(spec, data, results(spec, store, data))


def rows_of(
    spec: SweepSpec, data: Dataset, results: Sequence[Mapping[str, Any]]
) -> tuple[RunRow, ...]:
    """The rows of what `results` gave."""
    return rows_from_results(results, "", plan_metrics(spec, data).metric)


def results(spec: SweepSpec, store: Store, data: Dataset) -> list[dict[str, Any]]:
    """The results that `rows` are made from, each with its `setting`, `folder` and `evaluation`."""
    judged = plan_metrics(spec, data)
    ended: list[dict[str, Any]] = []
    for number, runs in store.recorded_runs(spec).items():
        if number >= spec.setting_count:
            continue
        evaluation = judged.identity(runs.values())
        found = scored(store, tuple(runs.values()), number, evaluation)
        if len(found) == len(spec.seed_list):
            ended += found.values()
    return ended


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


def concluded(spec: SweepSpec, rows: tuple[RunRow, ...]) -> Conclusion:
    """The best setting, over all and for each latent size, and how sure that is.

    Raises UserError when no setting is complete.
    """
    if not rows:
        raise UserError(
            f"no setting of the sweep {spec.name!r} is complete in this store; "
            "run it first (`sweep run`), or see `sweep status`"
        )
    return conclude(rows, goal=spec.metric.goal)
