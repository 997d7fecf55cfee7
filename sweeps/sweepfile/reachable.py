"""Checks that every model a search can reach can be built; errors name the key."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from sweeps.search.space import Parameter, active, conditions
from sweeps.sweepfile.configure import WHOLE, check_names, check_options, option_names
from sweeps.sweepfile.spec import SweepSpec
from trainer.config.run import RunConfig
from trainer.config.schema import FieldError, convert, suggestion, under
from trainer.config.short_forms import WITH_OPTIONS, named
from trainer.objectives import objective_options

ANNEALED = "_steps"  # how options end that say when an objective stops changing


def check_reachable(spec: SweepSpec) -> None:
    """Raises FieldError for the first reachable value from which no model can be built."""
    names = set(spec.parameters)
    if len(names & {"beta", "beta_norm"}) != 1:
        raise FieldError("expected either beta or beta_norm", ("parameters",))
    with under("trainer"):
        check_names(spec.model({}))
    setting: dict[str, Any] = {}
    for name, parameter in spec.parameters.items():
        for path, value in _ends(parameter):
            with _at("parameters", name, *path):
                if name in ("beta", "beta_norm"):
                    _check_beta(convert(value, float), parameter.is_range)
                check_names(spec.model({**setting, name: value}))
        if name in WHOLE and parameter.is_range and not parameter.whole:
            problem = f"{name} takes integers: use int_uniform or int_log_uniform"
            raise FieldError(problem, ("parameters", name, "distribution"))
        setting[name] = _ends(parameter)[0][1]
    _check_options(spec, setting)
    _check_annealing(spec, setting)


def _check_annealing(spec: SweepSpec, setting: Mapping[str, Any]) -> None:
    """Unfinished runs are compared only once their objective no longer changes."""
    if not spec.early_stop.shares:
        return
    decisive = [name for name in spec.parameters if name in ("objective", "steps")]
    decisive += [name for name in spec.parameters if name.endswith(ANNEALED)]
    ends = [[(name, value) for _, value in _ends(spec.parameters[name])] for name in decisive]
    for values in itertools.product(*ends):
        model = _model(spec, {**setting, **dict(values)})
        options = dataclasses.asdict(objective_options(model))
        for name, until in options.items():
            if name.endswith(ANNEALED) and until > spec.early_stop.shares[0] * model.steps:
                problem = (
                    f"{model.objective} changes until step {until:,} of {model.steps:,} ({name}): "
                    f"compare runs later, or shorten {name}"
                )
                raise FieldError(problem, spec.early_stop_key)


def _check_beta(value: float, is_range: bool) -> None:
    if is_range and value <= 0:
        raise FieldError(f"expected a positive number, got {value:g}; 0 can be one of `values`")
    if value < 0:
        raise FieldError(f"expected 0 or more, got {value:g}")


def _check_options(spec: SweepSpec, setting: Mapping[str, Any]) -> None:
    """The options of objective and likelihood, under `trainer` or `parameters`."""
    for kind in WITH_OPTIONS:
        if kind in spec.parameters:
            _check_shared_options(spec, kind)
        searched = [name for name in spec.parameters if name.split(".")[0] == kind]
        for name in searched:
            for path, value in _ends(spec.parameters[name]):
                for condition in conditions(spec.parameters[name]):
                    with _at("parameters", name, *path):
                        check_options(_model(spec, {**setting, **condition, name: value}), kind)
        if not searched:
            with under("trainer", kind):
                check_options(_model(spec, setting), kind)
    _check_objectives(spec, setting)


def _check_shared_options(spec: SweepSpec, kind: str) -> None:
    """Each option under `trainer` must belong to an objective (likelihood) in the search."""
    names = [value for _, value in _ends(spec.parameters[kind])]
    known = {option for name in names for option in option_names(kind, name)}
    given = named(spec.trainer.get(kind, {}))
    for option in given.keys() - known - {"name"}:
        problem = f"unknown key{suggestion(option, known)}"
        raise FieldError(problem, ("trainer", kind, option))


def _check_objectives(spec: SweepSpec, setting: Mapping[str, Any]) -> None:
    """Every objective in the search must be defined for every beta and latent size."""
    searched = spec.parameters.get("objective")
    names = [value for _, value in _ends(searched)] if searched else []
    settings = [{**setting, "objective": name} for name in names] or [dict(setting)]
    for name in ("beta", "beta_norm", "latents"):
        if name not in spec.parameters:
            continue
        needed = conditions(spec.parameters[name])
        for path, value in _ends(spec.parameters[name]):
            for base, condition in itertools.product(settings, needed):
                with _at("parameters", name, *path):
                    model = _model(spec, {**base, **condition, name: value})
                    check_options(model, "objective")


def _model(spec: SweepSpec, values: Mapping[str, Any]) -> RunConfig:
    """The model for a value of every parameter; inactive ones are ignored."""
    return spec.model(active(spec.parameters, values))


@contextlib.contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """Attributes a FieldError raised within to the value at `path`."""
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
