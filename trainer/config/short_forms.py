"""Short forms in YAML: `adam` for `{name: adam}`, an objective with its options next to its name.

Sweep files and pack files share them. A RunConfig has the name and the options separately.
"""

from collections.abc import Mapping
from typing import Any

from trainer.config.run import RunConfig
from trainer.config.schema import FieldError

WITH_OPTIONS = ("objective", "likelihood")
AUTO = "auto"  # the likelihood that suits the data: trainer.likelihoods.automatic


def named(value: Any) -> dict[str, Any]:
    """`{name: value}` for a string, a mapping unchanged: `adam` stands for `{name: adam}`."""
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, Mapping):
        raise FieldError(f"expected a name, or a mapping with a name, got {value!r}")
    return dict(value)


def named_at(key: str, value: Any) -> dict[str, Any]:
    """As `named`, for the value of `key`."""
    try:
        return named(value)
    except FieldError as error:
        raise error.under(key) from None


def in_full(values: Mapping[str, Any]) -> dict[str, Any]:
    """RunConfig's keys, from keys that may be in their short form. Raises FieldError.

    `objective: {name: factor_vae, gamma: 5}` is `objective: factor_vae` with `objective_options:
    {gamma: 5}`; likewise for likelihoods, and the optimiser may be just a name. The likelihood is
    `auto` by default.
    """
    full = dict(values)
    for kind in WITH_OPTIONS:
        default = AUTO if kind == "likelihood" else getattr(RunConfig, kind)
        options = named_at(kind, full.get(kind, default))
        full[kind] = options.pop("name", default)
        given = full.get(f"{kind}_options", {})
        full[f"{kind}_options"] = {**given, **options} if isinstance(given, Mapping) else given
    full["optimizer"] = named_at("optimizer", full.get("optimizer", {}))
    return full


def as_written(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The path of a RunConfig key in short form: `objective.gamma`."""
    for kind in WITH_OPTIONS:
        if path and path[0] == f"{kind}_options":
            return (kind, *path[1:])
    return path
