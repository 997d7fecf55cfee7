"""Metrics by name: built-in, from an installed package, or from a user's file.

The source of an external metric is stored in its option `code`: so it is part of what identifies an
evaluation, and workers need no file. The properties of built-in metrics are sets of names next to
`METRICS`; those of external ones are attributes of the function: `lower_is_better`,
`without_labels`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from evaluation.metrics import LOWER_IS_BETTER, METRICS, WITHOUT_LABELS
from trainer.config.schema import FieldError, suggestion
from trainer.extensions import code_of, file_of, is_reference, look_up
from trainer.registry import Registry

CODE = "code"  # the option with the source of an external metric
_INSTALLED: Registry[Callable[..., Any]] = Registry({}, "beta_sweep.metrics")


def metric_of(name: str, options: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """The function called `name`. Raises FieldError if it is unknown or refused."""
    if name in METRICS:
        return METRICS[name]
    check_known(name)
    code = (options or {}).get(CODE)
    sources = {file_of(name): code} if is_reference(name) and code is not None else {}
    found: Callable[..., Any] = look_up(_INSTALLED, name, "metric", sources)
    if not callable(found):
        raise FieldError(f"{name} is not a function")
    return found


def check_known(name: str, *others: str) -> None:
    """Raises FieldError for a name that is neither a metric nor one of `others`."""
    known = [*METRICS, *_INSTALLED, *others]
    if name not in known and not is_reference(name):
        raise FieldError(f"unknown metric {name!r}{suggestion(name, known)}")


def is_ours(name: str) -> bool:
    """Whether a metric is built in."""
    return name in METRICS


def with_code(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a metric, with its source if it is external."""
    if is_ours(name) or CODE in options:
        return dict(options)
    return {**options, CODE: code_of(_INSTALLED, name)}


def without_code(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are passed to the function itself."""
    return {key: value for key, value in options.items() if key != CODE}


def codes_in(evaluation: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The sources of external metrics in an evaluation."""
    return [options[CODE] for options in evaluation.values() if CODE in options]


def is_lower_better(name: str) -> bool:
    """Whether lower values of a metric are better."""
    if is_ours(name):
        return name in LOWER_IS_BETTER
    return bool(getattr(metric_of(name), "lower_is_better", False))


def needs_labels(name: str, options: Mapping[str, Any]) -> bool:
    """Whether a metric is undefined without labels."""
    if is_ours(name):
        return name not in WITHOUT_LABELS
    return not getattr(metric_of(name, options), "without_labels", False)
