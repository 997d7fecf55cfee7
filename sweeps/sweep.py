"""One sweep in one store on its data, and what the store holds of it at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evaluation.analysis.conclude import Conclusion, conclude
from evaluation.analysis.table import RunRow, rows_from_results
from sweeps.metric_plan import MetricPlan, plan_metrics
from sweeps.plan import Run, load_data, runs_of
from sweeps.run_store import Store
from sweeps.sweep_results import scored
from sweeps.sweepfile import SweepSpec
from sweeps.sweepfile.compatibility import check_models
from trainer.data.dataset import Dataset
from trainer.errors import UserError


@dataclass(frozen=True)
class Sweep:
    """What stays the same while a sweep runs; each fact is worked out once, when first asked for.

    Example:
        >>> sweep = Sweep.load(load_spec("sweeps/quickstart.yaml"), Store("store"))
        >>> sweep.snapshot().conclusion.choice.best.beta  # doctest: +SKIP
        4.0
    """

    spec: SweepSpec
    store: Store
    data: Dataset

    @classmethod
    def load(cls, spec: SweepSpec, store: Store) -> "Sweep":
        """The sweep with its data set. Raises UserError that names the file and line."""
        return cls(spec, store, load_data(spec))

    @property
    def name(self) -> str:
        """Names its folder in the store and its experiment in MLflow."""
        return self.spec.name

    @cached_property
    def metrics(self) -> MetricPlan:
        """What settings are scored by. Raises UserError as `plan_metrics`."""
        return plan_metrics(self.spec, self.data)

    def check(self) -> None:
        """Raises UserError for what cannot be trained or scored on these data."""
        _ = self.metrics
        check_models(self.spec, self.data)

    def runs(self, parameters: Mapping[str, Any]) -> tuple[Run, ...]:
        """The runs of a setting, one per seed."""
        return runs_of(self.spec, self.data, parameters)

    def proposed(self) -> dict[int, Mapping[str, Any]]:
        """Parameters of the settings proposed so far, by number, from the store."""
        return {s.number: s.parameters for s in self.store.settings(self.spec)}

    def snapshot(self) -> "Snapshot":
        """Reads from the store, now, what it holds of the sweep."""
        ended: list[Mapping[str, Any]] = []
        for number, runs in self.store.recorded_runs(self.spec).items():
            if number >= self.spec.setting_count:
                continue
            evaluation = self.metrics.identity(runs.values())
            found = scored(self.store, tuple(runs.values()), number, evaluation)
            if len(found) == len(self.spec.seed_list):
                ended += found.values()
        return Snapshot(self, tuple(ended))


@dataclass(frozen=True)
class Snapshot:
    """What the store held of a sweep at one moment: a running sweep goes on behind it.

    results: contents of the result.json of every run of the settings that are complete: all seeds
        have ended and were evaluated. A setting with some of its seeds is left out: its score
        would be luck.
    """

    sweep: Sweep
    results: tuple[Mapping[str, Any], ...]

    @cached_property
    def rows(self) -> tuple[RunRow, ...]:
        """One row per run, for the analysis, scored by the sweep's metric."""
        return self.rows_by(self.sweep.metrics.metric)

    def rows_by(self, metric: str) -> tuple[RunRow, ...]:
        """As `rows`, scored by any of the metrics that are taken."""
        return rows_from_results(self.results, "", metric)

    @cached_property
    def conclusion(self) -> Conclusion:
        """The best setting, over all and for each latent size, and how sure that is.

        Raises UserError when no setting is complete.
        """
        if not self.rows:
            raise UserError(
                f"no setting of the sweep {self.sweep.name!r} is complete in this store; "
                "run it first (`sweep run`), or see `sweep status`"
            )
        return conclude(self.rows, goal=self.sweep.spec.metric.goal)
