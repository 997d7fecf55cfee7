"""A sweep file as frozen data: what to train, what to search, how often, and how to score it."""

import contextlib
import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from evaluation.analysis.standing import CLEAR
from evaluation.identity import DEFAULT_EVALUATION, with_defaults
from evaluation.metrics.support.option_ranges import check_option
from sweeps.search import METHODS
from sweeps.sweepfile import configure
from sweeps.sweepfile.small_form import read_sized
from sweeps.sweepfile.space import Parameter, Value
from trainer.config.run import DatasetConfig, RunConfig, digest
from trainer.config.schema import FieldError, build, convert, lookup, suggestion
from trainer.config.short_forms import AUTO, WITH_OPTIONS, named
from trainer.config.yaml_file import Document, dump
from trainer.errors import UserError
from trainer.extensions import look_up, trust_files

if TYPE_CHECKING:
    from sweeps.search.method import Problem

MOST_RUNS = 1_000_000
LEAST_SHARE = 0.001  # of a CPU or a GPU; Ray counts in ten-thousandths
LISTED = "list"  # the method whose settings are written out
SURFACE = "surface"  # the method that proposes settings in a race alone
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Metric:
    """What settings are scored by: a metric of evaluation.metrics.METRICS, or `auto`.

    `auto` is the Higgins score where labels suffice for it, else UDR, which needs none.
    goal: left out, it is what the metric wants.
    within: a difference in score that does not matter. The answer says how probable it is that a
        setting is that near to the best one.
    """

    name: str = "auto"
    goal: Literal["maximize", "minimize"] = "maximize"
    within: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.within < math.inf:
            raise FieldError(f"expected a number above 0, got {self.within:g}", ("within",))


@dataclass(frozen=True)
class Racing:
    """Seeds by what they tell: every setting gets `min`, the best ones up to `max` (0, 1, …)."""

    min: int = 2
    max: int = 10

    def __post_init__(self) -> None:
        _require(self.min > 0, "min", f"expected 1 or more, got {self.min}")
        _require(self.max >= self.min, "max", f"expected {self.min} or more, got {self.max}")


@dataclass(frozen=True)
class Stop:
    """When a race is over: the setting to choose is surely within `within` of the best.

    within: in units of the score; left out, the metric's. confidence: the probability of it.
    """

    within: float | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        ok = self.within is None or 0 < self.within < math.inf
        _require(ok, "within", f"expected a number above 0, got {self.within}")
        inside = 0 < self.confidence < 1
        _require(inside, "confidence", f"expected a number in (0, 1), got {self.confidence:g}")


@dataclass(frozen=True)
class Budget:
    """The most that a sweep may take; what is done by then gives its answer.

    hours: of the clock, each time that the sweep is run. runs: in all, whoever trained them.
    """

    hours: float | None = None
    runs: int | None = None

    def __post_init__(self) -> None:
        for key in ("hours", "runs"):
            most = getattr(self, key)
            _require(most is None or most > 0, key, f"expected a number above 0, got {most}")


@dataclass(frozen=True)
class Resources:
    """What one trial takes; fractions share a device. `max_concurrent`: most trials at once."""

    cpu: float = 1.0
    gpu: float = 0.0
    max_concurrent: int | None = None

    def __post_init__(self) -> None:
        for key in ("cpu", "gpu"):
            share = getattr(self, key)
            problem = f"expected 0, or {LEAST_SHARE} or more, got {share:g}"
            _require(share == 0 or share >= LEAST_SHARE, key, problem)
        _require(self.cpu + self.gpu > 0, "cpu", "a trial needs a share of a CPU or of a GPU")
        most = self.max_concurrent
        _require(most is None or most > 0, "max_concurrent", "expected 1 or more")


@dataclass(frozen=True)
class SweepSpec:
    """One sweep.

    name: names its folder in the store and its experiment in MLflow.
    parameters: the search space; holds `beta` or `beta_norm`, one of whose
        values may be 0: no KL term at all. Of a `list` of settings, what they hold.
    method: how settings are proposed, one of sweeps.search.METHODS.
    seeds: how many seeds of each setting (0, 1, …), or which ones; or `{min: 2, max: 10}`, a race:
        see sweeps.search.race.
    stop: when a race is over.
    budget: the most that the sweep may take.
    settings: how many settings; the whole grid for `grid`, else 30. For `list`, the settings
        themselves, each a mapping of parameters.
    pack: how many runs one trial trains, at most; `auto` is all first seeds of a setting. More than
        that fill up with other settings, which differ in beta and learning rate alone. They train
        together, or in turn where memory does not hold them all (trainer.training.packing).
    search_seed: seed of the proposals.
    lookahead: `bayes` proposes setting n from the results of settings 0 … n - lookahead only, so
        what is proposed never depends on which trial happens to end first.
    max_failures: how often in a row a trial may raise, or lose its worker, without getting further,
        and be tried again.
    trainer: what all runs share: objective, architecture, likelihood, optimizer, batch_size, steps,
        precision. `objective`, `likelihood` and `optimizer` are a name, or a mapping of name and
        options.
    evaluation: the metrics to take, each with its options.
    baselines: what to compare with, as in the paper's table (evaluation.baselines.BASELINES).
    source: the file it was read from.
    """

    name: str
    dataset: DatasetConfig
    parameters: Mapping[str, Parameter]
    method: str = "bayes"
    metric: Metric = Metric()
    seeds: int | tuple[int, ...] | Racing = 5
    stop: Stop = field(default_factory=Stop)
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
        _require(not isinstance(wanted, int) or wanted > 0, "settings", "expected 1 or more")
        _require(self.pack == "auto" or int(self.pack) > 0, "pack", "expected 1 or more, or auto")
        _require(0 <= self.search_seed < 2**32, "search_seed", "expected 0 or more, below 2^32")
        _require(self.lookahead > 0, "lookahead", "expected 1 or more")
        _require(self.max_failures >= 0, "max_failures", "expected 0 or more")
        _check_budget(self)

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds of every setting."""
        seeds = self.seeds.max if isinstance(self.seeds, Racing) else self.seeds
        return tuple(range(seeds)) if isinstance(seeds, int) else seeds

    @property
    def first_seeds(self) -> tuple[int, ...]:
        """Those that every setting gets."""
        return self.seed_list if self.racing is None else self.seed_list[: self.racing.min]

    @property
    def racing(self) -> Racing | None:
        """How many seeds there may be; None where every setting has the same."""
        return self.seeds if isinstance(self.seeds, Racing) else None

    @property
    def within(self) -> float:
        """A difference in score that does not matter, to the race and to the answer alike."""
        return self.stop.within or self.metric.within

    @property
    def confidence(self) -> float:
        """How probable it is to be that the setting to use is within it: a race's own, else 0.8."""
        return CLEAR if self.racing is None else self.stop.confidence

    @property
    def setting_count(self) -> int:
        """How many settings the sweep has."""
        wanted = self.settings if isinstance(self.settings, int) else None
        return METHODS[self.method].count(self.problem, wanted)

    @property
    def seeds_in_words(self) -> str:
        """How many seeds a setting has: "5", or in a race "2 to 10"."""
        race = self.racing
        return str(len(self.seed_list)) if race is None else f"{race.min} to {race.max}"

    @property
    def most_runs(self) -> int:
        """How many runs there are; in a race, at most."""
        most = self.setting_count * len(self.seed_list)
        return most if self.budget.runs is None else min(most, self.budget.runs)

    @property
    def problem(self) -> "Problem":
        """What the search is given of the sweep."""
        from sweeps.search.method import Problem

        return Problem(
            parameters=self.parameters,
            goal=self.metric.goal,
            seed=self.search_seed,
            lookahead=self.lookahead,
            listed=self.settings if isinstance(self.settings, tuple) else (),
        )

    @property
    def search_id(self) -> str:
        """20 hex digits. Specs of one id propose the same settings, and mean the same by them.

        `seeds`, `settings`, `pack` and `resources` are not in it: raising them continues with the
        settings there are. How settings are scored is in it only where proposals depend on it.
        """
        space = "settings" if self.method == LISTED else "parameters"
        keys = ["dataset", "trainer", space, "method", "search_seed"]
        if METHODS[self.method].uses_scores:
            keys += ["metric", "evaluation", "lookahead"]
        if self.method == SURFACE:
            keys += ["seeds", "stop", "settings"]
        model = _model(self, {})
        if model.likelihood == AUTO:  # what is searched is the same, whatever it stands for
            model = dataclasses.replace(model, likelihood=RunConfig.likelihood)
        values = as_mapping(self) | {"trainer": model.as_mapping()}
        del values["metric"]["within"]  # decides what is said of the settings, not which there are
        return digest({key: values[key] for key in keys})

    @property
    def race_id(self) -> str:
        """20 hex digits. Specs of one search that share them decide the same rounds of a race."""
        values = as_mapping(self)
        keys = ("seeds", "stop", "settings", "metric", "evaluation", "lookahead")
        return digest({key: values[key] for key in keys})

    @property
    def text(self) -> str:
        """YAML that reads back as this spec: the file, or every key where it was overridden."""
        if self.source is None:
            return dump(as_mapping(self))
        if not self.source.overrides:
            return self.source.text
        applied = " ".join(self.source.overrides.values())
        return dump(as_mapping(self), comment=f"{self.source.path}, with {applied}")

    def error(self, error: FieldError) -> UserError:
        """`error`, whose path is that of the sweep file, with the file's name and line."""
        return error if self.source is None else self.source.error(error)


def load_spec(
    path: str | Path, overrides: Sequence[str] = (), *, trusted: bool = True
) -> SweepSpec:
    """The sweep in a YAML file, checked, with `key=value` texts applied on top.

    `size=small` among them gives the file's small form (`sweeps.sweepfile.small_form`).
    Raises UserError with one line, `FILE:LINE: key: problem`, naming the nearest valid name.
    trusted: whether the user names this file, so that own code that it refers to may be run.
    Data are not looked at; see `sweeps.plan.load_data`.
    """
    document = read_sized(path, overrides)
    if trusted:
        trust_files(document.value)
    try:
        spec = spec_of(document.value)
    except FieldError as error:
        raise document.error(error) from None
    return dataclasses.replace(spec, source=document)


def spec_of(values: Mapping[str, Any]) -> SweepSpec:
    """The sweep that a mapping describes, keys as in a sweep file. Raises FieldError."""
    if "source" in values:
        raise FieldError("unknown key", ("source",))
    values = _with_listed(values)
    for key, prepare in _PREPARE.items():
        if key in values:
            with _under(key):
                values[key] = prepare(values[key])
    spec = build(SweepSpec, values)
    _check_models(spec)
    return _with_metric(spec)


def as_mapping(spec: SweepSpec) -> dict[str, Any]:
    """The spec as the mapping that a sweep file holds, defaults filled in."""
    values = dataclasses.asdict(dataclasses.replace(spec, source=None))
    del values["source"]
    values["dataset"] = {"name": spec.dataset.name, **spec.dataset.options}
    for name, parameter in values["parameters"].items():
        values["parameters"][name] = {k: v for k, v in parameter.items() if v is not None}
    if spec.method == LISTED:
        del values["parameters"]  # they are made from the settings
    return _plain(values)


def _with_listed(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the values; of listed settings, with their parameters as the space."""
    listed = values.get("settings")
    if values.get("method") != LISTED:
        if isinstance(listed, list | tuple):
            raise FieldError("settings written out need `method: list`", ("settings",))
        return dict(values)
    if "parameters" in values:
        problem = "leave this out: `method: list` takes its parameters from `settings`"
        raise FieldError(problem, ("parameters",))
    if not isinstance(listed, list | tuple) or not listed:
        problem = (
            "expected a list of settings, e.g. [{beta: 1, latents: 5}, {beta: 4, latents: 10}]"
        )
        raise FieldError(problem, ("settings",))
    for number, setting in enumerate(listed):
        if not isinstance(setting, Mapping) or not setting:
            raise FieldError("expected a mapping of parameters", ("settings", number))
        if setting.keys() != listed[0].keys():
            problem = f"expected the parameters of the first setting, {', '.join(listed[0])}"
            raise FieldError(problem, ("settings", number))
        for name, value in setting.items():
            with _under("settings", number, name):
                configure.check_parameter_name(name)
                convert(value, int | float | str | bool)
        if setting in listed[:number]:
            raise FieldError("this setting is listed twice", ("settings", number))
    space = {name: {"values": list(dict.fromkeys(s[name] for s in listed))} for name in listed[0]}
    return {**values, "parameters": space}


def check_name(name: str) -> None:
    """Raises FieldError unless `name` can safely name a folder."""
    if not _NAME.fullmatch(name):
        problem = "expected letters, digits, '.', '_' or '-', at most 100, a letter or digit first"
        raise FieldError(f"{problem}; got {name[:60]!r}", ("name",))


def _dataset(value: Any) -> DatasetConfig:
    from trainer.data import DATASETS

    options = named(value)
    path = () if isinstance(value, str) else ("name",)
    if "name" not in options:
        raise FieldError("required key is missing", path)
    with _under(*path):
        look_up(DATASETS, options["name"], "data set")
    return DatasetConfig(options.pop("name"), options)


def _parameters(value: Any) -> dict[str, Parameter]:
    if not isinstance(value, Mapping) or not value:
        raise FieldError("expected a mapping of parameters, e.g. beta: {values: [1, 2, 4]}")
    parameters = {}
    for name, keys in value.items():
        with _under(name):
            configure.check_parameter_name(name)
            if isinstance(keys, list | tuple):
                keys = {"values": keys}
            elif isinstance(keys, int | float | str):
                keys = {"value": keys}
            if not isinstance(keys, Mapping):
                forms = "{value: …}, {values: […]} or {min: …, max: …, distribution: …}"
                raise FieldError(f"expected {forms}, got {str(keys)[:40]!r}")
            if name in ("beta", "beta_norm") and "max" in keys and _is_positive(keys.get("min")):
                keys = {"distribution": "log_uniform", **keys}  # beta acts by its order of size
            parameters[name] = build(Parameter, keys)
    return parameters


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _evaluation(value: Any) -> Any:
    from evaluation.metrics.by_name import CODE, is_ours, metric_of, with_code

    if not isinstance(value, Mapping):
        return value  # `build` says what it expected
    for name, options in value.items():
        with _under(name):
            metric_of(name)
            if options is not None and not isinstance(options, Mapping):
                raise FieldError(f"expected a mapping of options, got {options!r}")
    evaluation = {name: with_code(name, options or {}) for name, options in value.items()}
    with_defaults(evaluation)  # refuses unknown options
    for name, options in evaluation.items():
        hints = get_type_hints(metric_of(name, options))
        for key, option in options.items():
            if key == CODE or not (is_ours(name) or key in hints):
                continue
            with _under(name, key):
                options[key] = convert(option, hints[key])
                if is_ours(name):
                    check_option(key, options[key])
    return evaluation


def _method(value: Any) -> Any:
    lookup(METHODS, value, "method")
    return value


def _baselines(value: Any) -> Any:
    from evaluation.baselines import BASELINES

    for number, name in enumerate(value if isinstance(value, list | tuple) else ()):
        with _under(number):
            lookup(BASELINES, name, "baseline")
            if name in value[:number]:
                raise FieldError(f"{name} is listed twice")
    return value  # `build` says what it expected


def goal_of(metric: str) -> Literal["maximize", "minimize"]:
    """What is better for a metric."""
    from evaluation.metrics.by_name import is_lower_better

    with contextlib.suppress(FieldError):  # an unknown one is told of later
        return "minimize" if is_lower_better(metric) else "maximize"
    return "maximize"


def _metric(value: Any) -> Any:
    """A name alone is short for {name: …}; a goal left out is the metric's own."""
    value = {"name": value} if isinstance(value, str) else value
    if isinstance(value, Mapping):
        return {"goal": goal_of(str(value.get("name"))), **value}
    return value  # `build` says what it expected


_PREPARE: dict[str, Callable[[Any], Any]] = {
    "dataset": _dataset,
    "method": _method,
    "parameters": _parameters,
    "metric": _metric,
    "evaluation": _evaluation,
    "baselines": _baselines,
}


def _with_metric(spec: SweepSpec) -> SweepSpec:
    """The spec with its metric among the metrics that are taken."""
    from evaluation.metrics.by_name import check_known, metric_of, with_code

    name = "higgins" if spec.metric.name == "auto" else spec.metric.name
    if name in spec.evaluation:
        return spec
    with _under("metric", "name"):
        check_known(name, "auto")
        metric_of(name)
        taken = {**spec.evaluation, name: with_code(name, {})}
    return dataclasses.replace(spec, evaluation=taken)


def _check_models(spec: SweepSpec) -> None:
    """Every value that the search can reach must make a model; raises FieldError at the first."""
    names = set(spec.parameters)
    if len(names & {"beta", "beta_norm"}) != 1:
        raise FieldError("expected one of beta and beta_norm", ("parameters",))
    with _under("trainer"):
        configure.check_names(_model(spec, {}))
    setting: dict[str, Any] = {}
    for name, parameter in spec.parameters.items():
        for path, value in _ends(parameter):
            with _at("parameters", name, *path):
                if name in ("beta", "beta_norm"):
                    _check_beta(convert(value, float), parameter.is_range)
                configure.check_names(_model(spec, {**setting, name: value}))
        if name in configure.WHOLE and parameter.is_range and not parameter.whole:
            problem = f"{name} takes whole numbers: int_uniform or int_log_uniform"
            raise FieldError(problem, ("parameters", name, "distribution"))
        setting[name] = _ends(parameter)[0][1]
    _check_options(spec, setting)


def _check_beta(value: float, is_range: bool) -> None:
    if is_range and value <= 0:
        raise FieldError(f"expected a number above 0, got {value:g}; 0 can be one of `values`")
    if value < 0:
        raise FieldError(f"expected 0 or more, got {value:g}")


def _check_options(spec: SweepSpec, setting: Mapping[str, Any]) -> None:
    """The options of objective and likelihood, which stand under `trainer` or `parameters`."""
    for kind in WITH_OPTIONS:
        if kind in spec.parameters:
            _check_shared_options(spec, kind)
        searched = [name for name in spec.parameters if name.split(".")[0] == kind]
        for name in searched:
            for path, value in _ends(spec.parameters[name]):
                with _at("parameters", name, *path):
                    configure.check_options(_model(spec, {**setting, name: value}), kind)
        if not searched:
            with _under("trainer", kind):
                configure.check_options(_model(spec, setting), kind)
    _check_objectives(spec, setting)


def _check_shared_options(spec: SweepSpec, kind: str) -> None:
    """Each option under `trainer` must be one of some objective (likelihood) that is searched."""
    names = [value for _, value in _ends(spec.parameters[kind])]
    known = {option for name in names for option in configure.option_names(kind, name)}
    given = named(spec.trainer.get(kind, {}))
    for option in given.keys() - known - {"name"}:
        problem = f"unknown key{suggestion(option, known)}"
        raise FieldError(problem, ("trainer", kind, option))


def _check_objectives(spec: SweepSpec, setting: Mapping[str, Any]) -> None:
    """Every objective of the search must have a meaning for every beta and latent size."""
    searched = spec.parameters.get("objective")
    names = [value for _, value in _ends(searched)] if searched else []
    settings = [{**setting, "objective": name} for name in names] or [dict(setting)]
    for name in ("beta", "beta_norm", "latents"):
        for path, value in _ends(spec.parameters[name]) if name in spec.parameters else ():
            for base in settings:
                with _at("parameters", name, *path):
                    configure.check_options(_model(spec, {**base, name: value}), "objective")


def _model(spec: SweepSpec, parameters: Mapping[str, Any]) -> RunConfig:
    return configure.configure(spec.dataset, spec.trainer, parameters, pixels=1)


@contextlib.contextmanager
def _under(*path: str | int) -> Iterator[None]:
    """A FieldError within is seen from further out."""
    try:
        yield
    except FieldError as error:
        raise error.under(*path) from None


@contextlib.contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """A FieldError within is one of the value at `path`, wherever it came to light."""
    try:
        yield
    except FieldError as error:
        raise FieldError(error.problem, path) from None


def _ends(parameter: Parameter) -> list[tuple[tuple[str | int, ...], Any]]:
    """The values of a list, or the ends of a range, each with its path."""
    if parameter.is_range:
        return [(("min",), parameter.low), (("max",), parameter.high)]
    if parameter.value is not None:
        return [(("value",), parameter.value)]
    return [(("values", i), value) for i, value in enumerate(parameter.values or ())]


def _check_seeds(seeds: int | tuple[int, ...] | Racing) -> None:
    if isinstance(seeds, Racing):
        return
    if isinstance(seeds, int):
        _require(seeds > 0, "seeds", f"expected 1 or more, got {seeds}")
        return
    _require(len(seeds) > 0, "seeds", "expected at least one seed")
    _require(len(set(seeds)) == len(seeds), "seeds", "a seed is listed twice")
    _require(all(0 <= seed < 2**31 for seed in seeds), "seeds", "expected seeds of 0 or more")


def _check_budget(spec: SweepSpec) -> None:
    with _under("parameters"):
        count = spec.setting_count
    if spec.method == "grid" and isinstance(spec.settings, int) and spec.settings < count:
        problem = f"the grid has {count:,} settings, more than {spec.settings:,}"
        raise FieldError(f"{problem}; leave this key out", ("settings",))
    if spec.method == SURFACE and spec.racing is None:
        problem = "`method: surface` weighs new settings against more seeds of tried ones"
        raise FieldError(f"{problem}: give seeds: {{min: 2, max: 10}}", ("seeds",))
    if spec.racing is None and spec.stop != Stop():
        raise FieldError("needs a race, e.g. seeds: {min: 2, max: 10}", ("stop",))
    least, most = len(spec.first_seeds), spec.budget.runs
    if most is not None and most < least:
        problem = f"expected {least} or more, the first seeds of one setting; got {most}"
        raise FieldError(problem, ("budget", "runs"))
    seeds = len(spec.seed_list)
    if count * seeds > MOST_RUNS:
        key = "parameters" if spec.method == "grid" else "settings" if spec.settings else "seeds"
        raise FieldError(f"more than {MOST_RUNS:,} runs", (key,))


def _plain(value: Any) -> Any:
    """`value` with lists for tuples, so that YAML can hold it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _require(condition: bool, key: str, problem: str) -> None:
    if not condition:
        raise FieldError(problem, (key,))
