"""One sweep in one store on its data, and a snapshot of its state."""

import contextlib
import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from evaluation.analysis.formatting import count
from evaluation.analysis.table import RunRow, rows_from_results
from sweeps.metric_plan import MetricPlan, plan_metrics
from sweeps.overview import Glance
from sweeps.plan import Run, load_data, runs_of
from sweeps.run_store import Store, report_key
from sweeps.scheduling import rounds
from sweeps.scheduling.unscored import collapsed, ended_early, unscored_in_words
from sweeps.stored_settings import (
    StoredSetting,
    earlier_settings,
    proposed_settings,
    stored_settings,
)
from sweeps.sweep_results import scored_alike
from sweeps.sweepfile import Metric, SweepSpec
from sweeps.sweepfile.compatibility import check_models
from sweeps.sweepfile.configure import configure
from sweeps.sweepfile.early_stop import EarlyStop
from sweeps.sweepfile.sections import goal_of
from trainer.config.normalised_beta import normalised
from trainer.config.run import RunConfig
from trainer.data.dataset import Dataset
from trainer.errors import UserError

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer


@dataclass(frozen=True)
class Sweep:
    """What stays the same while a sweep runs; each fact is computed once, on first use.

    Example:
        >>> sweep = Sweep.load(load_spec("sweeps/quickstart.yaml"), Store("store"))
        >>> sweep.snapshot().answer.best.beta  # doctest: +SKIP
        4.0
    """

    spec: SweepSpec
    store: Store
    data: Dataset

    @classmethod
    def load(cls, spec: SweepSpec, store: Store) -> "Sweep":
        """The sweep with its data set. Raises UserError with the file and line."""
        return cls(spec, store, load_data(spec))

    @property
    def name(self) -> str:
        """The name of its folder in the store and its experiment in MLflow."""
        return self.spec.name

    @cached_property
    def metrics(self) -> MetricPlan:
        """How settings are scored. Raises UserError as `plan_metrics`."""
        return plan_metrics(self.spec, self.data)

    def check(self) -> None:
        """Raises UserError for what cannot be trained or scored on these data."""
        _ = self.metrics
        check_models(self.spec, self.data)

    def runs(self, parameters: Mapping[str, Any]) -> tuple[Run, ...]:
        """The runs of a setting, one per seed."""
        return runs_of(self.spec, self.data, parameters)

    def place(self, parameters: Mapping[str, Any]) -> tuple[float, int]:
        """beta_norm and latents of a setting."""
        config = self._config(parameters)
        return normalised(config.beta, config.latents, math.prod(self.data.shape)), config.latents

    def beta_and_latents(self, parameters: Mapping[str, Any]) -> tuple[float, int]:
        """beta and latents of a setting."""
        config = self._config(parameters)
        return config.beta, config.latents

    def _config(self, parameters: Mapping[str, Any]) -> RunConfig:
        pixels = math.prod(self.data.shape)
        return configure(self.spec.dataset, self.spec.trainer, parameters, pixels)

    def proposed(self) -> dict[int, Mapping[str, Any]]:
        """Like `proposed_settings`, read now."""
        return proposed_settings(self.spec, self.store)

    def held(self, glance: Glance | None = None) -> list[StoredSetting]:
        """Like `stored_settings`, read now."""
        return stored_settings(self.spec, self.store, self.data, glance)

    @cached_property
    def is_first_metric(self) -> bool:
        """Whether `name` was first run with this metric, or nothing was run yet.

        Another metric of the same models leaves the first one's answer unchanged.
        """
        try:
            first = self.store.load_spec(self.name)
        except UserError:
            return True
        if (first.dataset, first.trainer) != (self.spec.dataset, self.spec.trainer):
            return True  # another sweep, which takes over the name
        if first.metric.name == self.spec.metric.name:
            return True
        with contextlib.suppress(UserError):
            return plan_metrics(first, self.data).metric == self.metrics.metric
        return False

    @property
    def report_key(self) -> str:
        """Where in the store its report is; each metric has its own."""
        own = "" if self.is_first_metric else f"-{self.metrics.metric}"
        return f"{report_key(self.spec)}{own}"

    def save(self) -> None:
        """Saves the sweep file to the store."""
        metric = None if self.is_first_metric else self.metrics.metric
        self.store.save_spec(self.spec, metric)

    def snapshot(self, glance: Glance | None = None) -> "Snapshot":
        """Reads the current state of the sweep from the store.

        glance: an earlier look at the store; what it has read is not read again.
        """
        glance = glance or self.store.glance()
        found = self._scored(self.held(glance), glance) or self._scored(
            earlier_settings(self.spec, self.store), glance
        )
        return Snapshot(self, tuple(found))

    def _scored(self, settings: Sequence[StoredSetting], glance: Glance) -> list[dict[str, Any]]:
        glance.results(run for held in settings for run in held.runs.values())  # all at once
        found = (scored_alike(held, self.metrics, glance) for held in settings)
        return [result for results in found for result in results]

    def other_metrics(self) -> "Iterator[Sweep]":
        """The same sweep for each other metric computed for its models."""
        computed = [(name, self.spec.evaluation) for name in self.metrics.evaluation]
        for spec in self.store.other_metrics(self.name):
            computed += [(name, spec.evaluation) for name in spec.evaluation]
        seen = {self.metrics.metric}
        for name, evaluation in computed:
            if name not in seen:
                seen.add(name)
                metric = Metric(name, goal_of(name))
                spec = dataclasses.replace(self.spec, metric=metric, evaluation=evaluation)
                yield Sweep(spec, self.store, self.data)


@dataclass(frozen=True)
class Snapshot:
    """A sweep's state in the store at one moment: a running sweep may have progressed since.

    results: contents of the result.json of every finished and evaluated run.
    """

    sweep: Sweep
    results: tuple[Mapping[str, Any], ...]

    @cached_property
    def planned(self) -> int:
        """How many of the runs belong to the current search."""
        return sum(result["setting"] < self.sweep.spec.setting_count for result in self.results)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the answer is based on while the sweep is incomplete, in sentences."""
        spec = self.sweep.spec
        seeds, total = len(spec.first_seeds), spec.setting_count
        sure = rounds.decided(self.sweep.store, spec)
        counts = Counter(result["setting"] for result in self.results)
        found = []
        scored = {result["run"] for result in self.results}
        runs = sure.runs - len(collapsed(self.sweep.store, spec, scored))
        if self.planned < runs:
            known = f"{self.planned} of {runs} runs are scored so far"
            partial = sum(count < seeds for number, count in counts.items() if number < total)
            settings = (
                "1 setting has only some of its seeds"
                if partial == 1
                else f"{partial} settings have only some of their seeds"
            )
            found.append(f"{known}; {settings}." if partial else f"{known}.")
        if len(self.results) > self.planned:
            extra = len(self.results) - self.planned
            found.append(f"{extra} runs of earlier settings of this sweep also count.")
        return tuple(found)

    @cached_property
    def rows(self) -> tuple[RunRow, ...]:
        """One row per run, for the analysis, scored by the sweep's metric."""
        return self.rows_by(self.sweep.metrics.metric)

    def rows_by(self, metric: str) -> tuple[RunRow, ...]:
        """Like `rows`, scored by any of the computed metrics."""
        return rows_from_results(self.results, "", metric)

    @cached_property
    def answer(self) -> "Answer":
        """The setting to use, overall and per latent size, and how certain that is.

        Raises UserError when no run has finished.
        """
        from evaluation.analysis.conclude import answer  # here, as it imports SciPy

        if not self.rows:
            is_running = self.sweep.store.holder(self.sweep.name) is not None
            then = "wait for its first" if is_running else "run it first (`sweep run`)"
            raise UserError(
                f"no setting of the sweep {self.sweep.name!r} has a scored run in this store; "
                f"{then}, or see `sweep status`"
            )
        spec = self.sweep.spec
        found = answer(
            self.rows,
            goal=spec.metric.goal,
            within=spec.within,
            confidence=spec.confidence,
            unknown=[place for each in self.ended_early.values() for place in each],
            most_seeds=None if spec.racing is None else len(spec.seed_list),
        )
        said = (*self.unknown, *found.best.sentences)
        return dataclasses.replace(found, best=dataclasses.replace(found.best, sentences=said))

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the answer does not know, since runs ended before their last step, in sentences."""
        scored = {result["run"] for result in self.results}
        runs = unscored_in_words(self.sweep.store, self.sweep.spec, scored)
        return (*_ended_in_words(self.ended_early), *runs)

    @cached_property
    def ended_early(self) -> dict[float | None, list[tuple[float, int]]]:
        """beta and latents of the settings that `early_stop` ended; none of their scores is known.

        By the share of their steps at which they were worse than others; None: they collapsed.
        """
        sweep, spec = self.sweep, self.sweep.spec
        scored = {result["setting"] for result in self.results}
        found: dict[float | None, list[tuple[float, int]]] = {}
        if spec.early_stop == EarlyStop():
            return found
        shares = {
            number: share
            for share, numbers in rounds.decided(sweep.store, spec).ended.items()
            for number in numbers
        }
        early = ended_early(sweep.store, spec)
        for setting, runs in sweep.store.recorded(spec):
            dropped = setting.number in shares or early.issuperset(runs.values())
            if dropped and setting.number not in scored:
                place = sweep.beta_and_latents(setting.parameters)
                found.setdefault(shares.get(setting.number), []).append(place)
        return found


def _ended_in_words(ended: Mapping[float | None, Sequence[tuple[float, int]]]) -> Iterator[str]:
    """What the answer does not know since settings were compared before they ended."""
    by_share = {share: len(places) for share, places in ended.items() if share is not None}
    if not by_share:
        return
    total = sum(by_share.values())
    at = " and ".join(f"{number} at {share:.0%}" for share, number in sorted(by_share.items()))
    where = at if len(by_share) > 1 else f"at {next(iter(by_share)):.0%}"
    are, among, them = (
        ("its final score is", "it may be the best", "it")
        if total == 1
        else ("their final scores are", "the best may be among them", "them")
    )
    yield (
        f"{count(total, 'setting')} ended early, {where} of the steps: {are} unknown, and {among}. "
        f"Remove `early_stop` to train {them} to the end."
    )
