"""A sweep as frozen data: what to train, what to search, how often, and how to score it."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from evaluation.analysis.recommend import CLEAR
from evaluation.identity import DEFAULT_EVALUATION
from sweeps.search.methods import METHODS
from sweeps.search.space import Parameter, Value
from sweeps.sweepfile.configure import configure
from sweeps.sweepfile.early_stop import EarlyStop
from sweeps.sweepfile.sections import MAX_RUNS, Budget, Metric, Racing, Resources, Stop
from sweeps.sweepfile.stamped import without_stamp
from trainer.config.run import DatasetConfig, RunConfig, digest
from trainer.config.schema import FieldError, require, under
from trainer.config.short_forms import AUTO
from trainer.config.yaml_file import Document, dump
from trainer.errors import UserError

if TYPE_CHECKING:
    from sweeps.search.method import Problem

LISTED = "list"  # the method with explicitly listed settings
SURFACE = "surface"  # the method that proposes settings only in a race
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class SweepSpec:
    """One sweep.

    name: also names its folder in the store and its experiment in MLflow.
    parameters: the search space; contains `beta` or `beta_norm`, where a value of 0 means no KL
        term at all. For a `list`, derived from the settings.
    method: how settings are proposed, one of sweeps.search.methods.METHODS.
    seeds: how many seeds of each setting (0, 1, …), or which ones; or `{min: 2, max: 10}`, a race:
        see sweeps.scheduling.race.
    stop: when a race is over.
    early_stop: when a run is ended before its last step; never by default.
    budget: the most that the sweep may use.
    settings: how many settings; by default the whole grid for `grid`, else 30. For `list`, the
        settings themselves, each a mapping of parameters.
    pack: the maximum number of runs per trial; `auto` is all first seeds of a setting. Larger
        packs are filled with other settings that differ only in beta and learning rate. They train
        together, or in turn where memory does not suffice (trainer.training.packing).
    search_seed: seed of the proposals.
    lookahead: `bayes` proposes setting n only from the results of settings 0 … n - lookahead, so
        proposals never depend on which trial happens to end first.
    max_failures: how often in a row a trial that raises, or loses its worker, is retried without
        making progress.
    trainer: what all runs share: objective, architecture, likelihood, optimizer, batch_size, steps,
        precision. `objective`, `likelihood` and `optimizer` are a name, or a mapping of name and
        options.
    evaluation: the metrics to compute, each with its options.
    baselines: what to compare with, as in the paper's table (evaluation.baselines.BASELINES).
    source: the file it was read from.
    """

    name: str
    dataset: DatasetConfig
    parameters: Mapping[str, Parameter]
    method: str = "bayes"
    metric: Metric = field(default_factory=Metric)
    seeds: int | tuple[int, ...] | Racing = 5
    stop: Stop = field(default_factory=Stop)
    early_stop: EarlyStop = field(default_factory=EarlyStop)
    budget: Budget = field(default_factory=Budget)
    settings: int | tuple[Mapping[str, Value], ...] | None = None
    pack: int | Literal["auto"] = "auto"
    search_seed: int = 0
    lookahead: int = 8
    max_failures: int = 1
    trainer: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: dict(DEFAULT_EVALUATION)
    )
    baselines: tuple[str, ...] = ()
    resources: Resources = field(default_factory=Resources)
    source: Document | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_seeds(self.seeds)
        wanted = self.settings
        require(not isinstance(wanted, int) or wanted > 0, "settings", "expected 1 or more")
        require(self.pack == "auto" or int(self.pack) > 0, "pack", "expected 1 or more, or auto")
        require(0 <= self.search_seed < 2**32, "search_seed", "expected 0 or more, below 2^32")
        require(self.lookahead > 0, "lookahead", "expected 1 or more")
        require(self.max_failures >= 0, "max_failures", "expected 0 or more")
        _check_budget(self)
        _check_early_stop(self)

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds of every setting."""
        seeds = self.seeds.max if isinstance(self.seeds, Racing) else self.seeds
        return tuple(range(seeds)) if isinstance(seeds, int) else seeds

    @property
    def first_seeds(self) -> tuple[int, ...]:
        """The seeds that every setting gets."""
        return self.seed_list if self.racing is None else self.seed_list[: self.racing.min]

    @property
    def racing(self) -> Racing | None:
        """The numbers of seeds in a race; None where every setting has the same number."""
        return self.seeds if isinstance(self.seeds, Racing) else None

    @property
    def within(self) -> float:
        """A difference in score that does not matter, for both the race and the answer."""
        return self.stop.within or self.metric.within

    @property
    def confidence(self) -> float:
        """The required probability that the setting to use is within it: the race's, else 0.8."""
        return CLEAR if self.racing is None else self.stop.confidence

    @property
    def setting_count(self) -> int:
        """How many settings the sweep has."""
        wanted = self.settings if isinstance(self.settings, int) else None
        return METHODS[self.method].count(self.problem, wanted)

    @property
    def seeds_in_words(self) -> str:
        """How many seeds a setting has: "1 seed", "5 seeds", or in a race "2 to 10 seeds"."""
        race = self.racing
        if race is not None:
            return f"{race.min} to {race.max} seeds"
        return "1 seed" if len(self.seed_list) == 1 else f"{len(self.seed_list)} seeds"

    @property
    def first_settings(self) -> int:
        """How many settings get their first seeds, whatever the scores: as the budget allows."""
        proposed = METHODS[self.method].proposed(self.problem, self.setting_count)
        if self.budget.runs is None:
            return proposed
        return min(proposed, self.budget.runs // len(self.first_seeds))

    @property
    def first_runs(self) -> int:
        """How many runs these are; without a race, all."""
        return self.first_settings * len(self.first_seeds)

    @property
    def least_work(self) -> float:
        """How much is trained whatever the scores, in whole trainings of a run."""
        return self.early_stop.least_work(self.first_settings) * len(self.first_seeds)

    @property
    def most_runs(self) -> int:
        """The number of runs; in a race, an upper bound."""
        if self.racing is None:
            return self.first_runs
        most = self.setting_count * len(self.seed_list)
        return most if self.budget.runs is None else min(most, self.budget.runs)

    @property
    def problem(self) -> "Problem":
        """The sweep as seen by the search."""
        from sweeps.search.method import Problem

        return Problem(
            parameters=self.parameters,
            goal=self.metric.goal,
            seed=self.search_seed,
            lookahead=self.lookahead,
            listed=self.settings if isinstance(self.settings, tuple) else (),
        )

    def model(self, parameters: Mapping[str, Any]) -> RunConfig:
        """A model of the sweep with these parameters, as far as possible without the data.

        Raises FieldError with a RunConfig path.
        """
        return configure(self.dataset, self.trainer, parameters, pixels=1)

    @property
    def search_id(self) -> str:
        """20 hex digits. Specs with the same id propose the same settings, with the same meaning.

        `seeds`, `settings`, `pack` and `resources` are not part of it: raising them continues with
        the existing settings. How settings are scored is part of it only where proposals depend on
        it.
        """
        space = "settings" if self.method == LISTED else "parameters"
        keys = ["dataset", "trainer", space, "method", "search_seed"]
        if METHODS[self.method].uses_scores:
            keys += ["metric", "evaluation", "lookahead", *self._ends_early]
        if self.method == SURFACE:
            keys += ["seeds", "stop", "settings"]
        model = self.model({})
        if model.likelihood == AUTO:  # the search is the same, whatever it resolves to
            model = dataclasses.replace(model, likelihood=RunConfig.likelihood)
        values = as_mapping(self) | {"trainer": model.as_mapping()}
        del values["metric"]["within"]  # affects the answer about settings, not which ones exist
        return digest({key: values[key] for key in keys})

    @property
    def race_id(self) -> str:
        """20 hex digits. Specs of one search with the same race id decide the same rounds."""
        values = as_mapping(self)
        keys = ("seeds", "stop", "settings", "metric", "evaluation", "lookahead")
        return digest({key: values[key] for key in (*keys, *self._ends_early)})

    @property
    def early_stop_key(self) -> tuple[str, str]:
        """The key of the sweep file by which unfinished settings are compared."""
        return "early_stop", "halving" if self.early_stop.halving else "median"

    @property
    def halving_id(self) -> str:
        """20 hex digits. Specs of one search with the same id drop the same settings early."""
        values = as_mapping(self)
        del values["metric"]["within"]
        keys = ("seeds", "settings", "metric", "evaluation", "early_stop")
        return digest({key: values[key] for key in keys})

    @property
    def _ends_early(self) -> tuple[str, ...]:
        """The key that ends runs early, if it is set: it affects which scores exist."""
        return () if self.early_stop == EarlyStop() else ("early_stop",)

    @property
    def text(self) -> str:
        """YAML that reads back as this spec: the file's text, or every key if overridden."""
        if self.source is None:
            return dump(as_mapping(self))
        if not self.source.overrides:
            return without_stamp(self.source.text)
        applied = " ".join(self.source.overrides.values())
        return dump(as_mapping(self), comment=f"{self.source.path}, with {applied}")

    def error(self, error: FieldError) -> UserError:
        """`error`, whose path is a sweep-file key, with the file's name and line."""
        return error if self.source is None else self.source.error(error)


def as_mapping(spec: SweepSpec) -> dict[str, Any]:
    """The spec as the mapping in a sweep file, defaults filled in."""
    values = dataclasses.asdict(dataclasses.replace(spec, source=None))
    del values["source"]
    values["dataset"] = {"name": spec.dataset.name, **spec.dataset.options}
    for name, parameter in values["parameters"].items():
        values["parameters"][name] = {k: v for k, v in parameter.items() if v is not None}
    if spec.method == LISTED:
        del values["parameters"]  # derived from the settings
    early = {key: value for key, value in values["early_stop"].items() if value is not None}
    values["early_stop"] = early
    return _plain(values)


def check_name(name: str) -> None:
    """Raises FieldError unless `name` is safe as a folder name."""
    if not _NAME.fullmatch(name):
        problem = "expected letters, digits, '.', '_' or '-', at most 100, a letter or digit first"
        raise FieldError(f"{problem}; got {name[:60]!r}", ("name",))


def _check_seeds(seeds: int | tuple[int, ...] | Racing) -> None:
    if isinstance(seeds, Racing):
        return
    if isinstance(seeds, int):
        require(seeds > 0, "seeds", f"expected 1 or more, got {seeds}")
        require(seeds <= MAX_RUNS, "seeds", f"more than {MAX_RUNS:,} runs")
        return
    require(len(seeds) > 0, "seeds", "expected at least one seed")
    require(len(set(seeds)) == len(seeds), "seeds", "a seed is listed twice")
    require(all(0 <= seed < 2**31 for seed in seeds), "seeds", "expected seeds of 0 or more")


def _check_budget(spec: SweepSpec) -> None:
    with under("parameters"):
        count = spec.setting_count
    if spec.method == "grid" and isinstance(spec.settings, int) and spec.settings < count:
        problem = f"the grid has {count:,} settings, more than {spec.settings:,}"
        raise FieldError(f"{problem}; remove this key", ("settings",))
    if spec.method == SURFACE and spec.racing is None:
        problem = "`method: surface` weighs new settings against more seeds of tried ones"
        raise FieldError(f"{problem}: use seeds: {{min: 2, max: 10}}", ("seeds",))
    if spec.racing is None and spec.stop != Stop():
        raise FieldError("needs a race, e.g. seeds: {min: 2, max: 10}", ("stop",))
    least, most = len(spec.first_seeds), spec.budget.runs
    if most is not None and most < least:
        problem = f"expected {least} or more, the first seeds of one setting; got {most}"
        raise FieldError(problem, ("budget", "runs"))
    seeds = len(spec.seed_list)
    if count * seeds > MAX_RUNS:
        key = "parameters" if spec.method == "grid" else "settings" if spec.settings else "seeds"
        raise FieldError(f"more than {MAX_RUNS:,} runs", (key,))


def _check_early_stop(spec: SweepSpec) -> None:
    """Raises FieldError where settings cannot be compared before their runs end."""
    if not spec.early_stop.shares:
        return
    key = spec.early_stop_key
    if spec.racing is not None:
        problem = "a race needs final scores: use a fixed number of seeds, or remove this key"
        raise FieldError(problem, key)
    if METHODS[spec.method].uses_scores:
        problem = f"`method: {spec.method}` proposes settings from final scores"
        raise FieldError(f"{problem}: use grid, random, quasirandom or list", key)


def _plain(value: Any) -> Any:
    """`value` with lists for tuples, so that YAML can represent it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
