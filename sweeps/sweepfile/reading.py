"""Turns a sweep file into its spec: expands short forms, looks up names, checks values."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from evaluation.identity import with_defaults
from evaluation.option_ranges import check_option
from sweeps.search.methods import METHODS
from sweeps.search.space import Parameter, check_conditions
from sweeps.sweepfile.checked import checked_evaluation
from sweeps.sweepfile.configure import check_parameter_name
from sweeps.sweepfile.reachable import check_reachable
from sweeps.sweepfile.sections import goal_of
from sweeps.sweepfile.small_form import read_sized
from sweeps.sweepfile.spec import LISTED, SweepSpec
from trainer.config.run import DatasetConfig
from trainer.config.schema import FieldError, build, convert, lookup, under
from trainer.config.short_forms import named
from trainer.extensions import look_up, trust_files


def load_spec(
    path: str | Path, overrides: Sequence[str] = (), *, trusted: bool = True, quick: bool = False
) -> SweepSpec:
    """The sweep in a YAML file, checked, with `key=value` overrides applied.

    `size=small` among them selects the file's small form (`sweeps.sweepfile.small_form`).
    Raises UserError with one line, `FILE:LINE: key: problem`, naming the nearest valid name.
    trusted: whether the user named this file, so that user code it refers to may be run.
    quick: for commands that neither train nor score: a sweep that was checked before is not checked
        again, which would load PyTorch.
    The data are not read; see `sweeps.plan.load_data`.
    """
    document = read_sized(path, overrides)
    if trusted:
        trust_files(document.value)
    try:
        spec = _checked_before(document.value) if quick else spec_of(document.value)
    except FieldError as error:
        raise document.error(error) from None
    return dataclasses.replace(spec, source=document)


def is_sweep_file(sweep: str | Path) -> bool:
    """Whether the argument is a sweep file rather than the name of a sweep."""
    return Path(sweep).suffix in (".yaml", ".yml") or Path(sweep).is_file()


def spec_of(values: Mapping[str, Any]) -> SweepSpec:
    """The sweep that a mapping describes, keys as in a sweep file. Raises FieldError."""
    spec = _built(values, _PREPARE)
    check_reachable(spec)
    return _with_metric(spec)


def _checked_before(values: Mapping[str, Any]) -> SweepSpec:
    """As `spec_of`, but of values that were checked before by this code, only what is cheap."""
    evaluation = checked_evaluation(values, lambda: spec_of(values).evaluation)
    if evaluation is None:
        return spec_of(values)
    costly = {"evaluation", "baselines"}  # checking these loads PyTorch
    cheap = {key: prepare for key, prepare in _PREPARE.items() if key not in costly}
    return _built({**values, "evaluation": evaluation}, cheap)


def _built(values: Mapping[str, Any], prepare: Mapping[str, Callable[[Any], Any]]) -> SweepSpec:
    if "source" in values:
        raise FieldError("unknown key", ("source",))
    values = _with_listed(values)
    for key, prepared in prepare.items():
        if key in values:
            with under(key):
                values[key] = prepared(values[key])
    return build(SweepSpec, values)


def _with_listed(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the values, with the parameters of listed settings as the space."""
    listed = values.get("settings")
    if values.get("method") != LISTED:
        if isinstance(listed, list | tuple):
            raise FieldError("a list of settings needs `method: list`", ("settings",))
        return dict(values)
    if "parameters" in values:
        problem = "remove this key: `method: list` takes its parameters from `settings`"
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
            with under("settings", number, name):
                check_parameter_name(name)
                convert(value, int | float | str | bool)
        if setting in listed[:number]:
            raise FieldError("this setting is listed twice", ("settings", number))
    space = {name: {"values": list(dict.fromkeys(s[name] for s in listed))} for name in listed[0]}
    return {**values, "parameters": space}


def _dataset(value: Any) -> DatasetConfig:
    from trainer.data import DATASETS

    options = named(value)
    path = () if isinstance(value, str) else ("name",)
    if "name" not in options:
        raise FieldError("required key is missing", path)
    with under(*path):
        look_up(DATASETS, options["name"], "data set")
    return DatasetConfig(options.pop("name"), options)


def _parameters(value: Any) -> dict[str, Parameter]:
    if not isinstance(value, Mapping) or not value:
        raise FieldError("expected a mapping of parameters, e.g. beta: {values: [1, 2, 4]}")
    parameters = {}
    for name, keys in value.items():
        with under(name):
            check_parameter_name(name)
            if isinstance(keys, list | tuple):
                keys = {"values": keys}
            elif isinstance(keys, int | float | str):
                keys = {"value": keys}
            if not isinstance(keys, Mapping):
                forms = "{value: …}, {values: […]} or {min: …, max: …, distribution: …}"
                raise FieldError(f"expected {forms}, got {str(keys)[:40]!r}")
            if name in ("beta", "beta_norm") and "max" in keys and _is_positive(keys.get("min")):
                keys = {"distribution": "log_uniform", **keys}  # beta's order of magnitude matters
            if isinstance(keys.get("when"), Mapping):
                when = {other: _as_list(value) for other, value in keys["when"].items()}
                keys = {**keys, "when": when}
            parameters[name] = build(Parameter, keys)
    check_conditions(parameters)
    return parameters


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _evaluation(value: Any) -> Any:
    from evaluation.metrics.user_metrics import CODE, is_ours, metric_of, with_code

    if not isinstance(value, Mapping):
        return value  # `build` reports what it expected
    for name, options in value.items():
        with under(name):
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
            with under(name, key):
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
        with under(number):
            lookup(BASELINES, name, "baseline")
            if name in value[:number]:
                raise FieldError(f"{name} is listed twice")
    return value  # `build` reports what it expected


def _metric(value: Any) -> Any:
    """A plain name is short for {name: …}; the default goal is the metric's."""
    value = {"name": value} if isinstance(value, str) else value
    if isinstance(value, Mapping):
        return {"goal": goal_of(str(value.get("name"))), **value}
    return value  # `build` reports what it expected


_PREPARE: dict[str, Callable[[Any], Any]] = {
    "dataset": _dataset,
    "method": _method,
    "parameters": _parameters,
    "metric": _metric,
    "evaluation": _evaluation,
    "baselines": _baselines,
}


def _with_metric(spec: SweepSpec) -> SweepSpec:
    """The spec with its metric among those computed."""
    from evaluation.metrics.user_metrics import check_known, metric_of, with_code

    name = "higgins" if spec.metric.name == "auto" else spec.metric.name
    if name in spec.evaluation:
        return spec
    with under("metric", "name"):
        check_known(name, "auto")
        metric_of(name)
        computed = {**spec.evaluation, name: with_code(name, {})}
    return dataclasses.replace(spec, evaluation=computed)
