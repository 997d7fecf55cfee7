"""Turns the parameters of a setting into the configuration of one model."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from trainer.config.normalised_beta import denormalised
from trainer.config.run import DatasetConfig, RunConfig
from trainer.config.schema import FieldError, build, convert, suggestion
from trainer.config.short_forms import AUTO, WITH_OPTIONS, in_full
from trainer.extensions import KINDS, find, look_up
from trainer.likelihoods import likelihood_options
from trainer.objectives import objective_options
from trainer.registries import REGISTRIES, with_own_code

# What a sweep may search, besides the options of the objective and the likelihood
# (`objective.<option>`, `likelihood.<option>`).
PARAMETERS = (
    "beta",
    "beta_norm",
    "latents",
    "objective",
    "architecture",
    "likelihood",
    "batch_size",
    "steps",
    "precision",
    "optimizer.name",
    "optimizer.lr",
    "optimizer.initial_accumulator",
    "optimizer.beta1",
    "optimizer.beta2",
)
WHOLE = ("latents", "batch_size", "steps")
# What a sweep file may set under `trainer`; the rest has its own place in the file.
FIXED = (
    "objective",
    "architecture",
    "likelihood",
    "optimizer",
    "batch_size",
    "steps",
    "precision",
)


def configure(
    dataset: DatasetConfig,
    trainer: Mapping[str, Any],
    parameters: Mapping[str, Any],
    pixels: int,
    seed: int = 0,
) -> RunConfig:
    """One model: `trainer` as in the sweep file, overridden by the `parameters` of the setting.

    pixels: N, pixels × channels of an image; beta = beta_norm * N / M (Higgins et al. 2017, A.5).
    Where several objectives (or likelihoods) are searched, the options in `trainer` go to whichever
    of them has such an option.
    Raises FieldError with a RunConfig path."""
    values = _from_trainer(trainer)
    for kind in WITH_OPTIONS:
        if kind in parameters:
            known = option_names(kind, parameters[kind])
            options = values[f"{kind}_options"].items()
            values[f"{kind}_options"] = {key: value for key, value in options if key in known}
    for name, value in parameters.items():
        group, _, option = name.partition(".")
        if name == "beta_norm":
            continue
        if not option:
            values[name] = value
        elif group in WITH_OPTIONS:
            options = f"{group}_options"
            values[options] = {**values[options], option: value}
        else:
            values[group] = {**values[group], option: value}
    config = build(RunConfig, {**values, "dataset": dataset, "seed": seed})
    config = with_own_code(config)
    if "beta_norm" not in parameters:
        return config
    beta_norm = convert(parameters["beta_norm"], float)
    beta = denormalised(beta_norm, config.latents, pixels)
    beta = convert(beta, float)  # refuses infinite results
    return dataclasses.replace(config, beta=beta)


def check_parameter_name(name: str) -> None:
    """Raises FieldError for a name that is not a model's parameter."""
    group, _, option = name.partition(".")
    if name not in PARAMETERS and not (group in WITH_OPTIONS and option):
        options = [f"{kind}.<option>" for kind in WITH_OPTIONS]
        raise FieldError(f"unknown parameter{suggestion(name, [*PARAMETERS, *options])}")


def check_names(config: RunConfig) -> None:
    """Raises FieldError when the objective, architecture or likelihood is unknown."""
    for kind in KINDS:
        if kind == "likelihood" and config.likelihood == AUTO:
            continue
        find(REGISTRIES[kind], config, kind)


def option_names(kind: str, name: object) -> set[str]:
    """Option names of an objective or a likelihood; empty if it is unknown."""
    try:
        found = look_up(REGISTRIES[kind], name, kind)
    except FieldError:
        return set()
    return {field.name for field in dataclasses.fields(found.options)}


def check_options(config: RunConfig, kind: str) -> None:
    """Raises FieldError, with a path starting at the option, for invalid options.

    kind: one of WITH_OPTIONS.
    """
    read = {"objective": objective_options, "likelihood": likelihood_options}[kind]
    try:
        read(config)
    except FieldError as error:
        raise FieldError(error.problem, error.path[1:]) from None


def _from_trainer(trainer: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(trainer)
    for key in values:
        if key not in FIXED:
            where = (
                "; it belongs under `parameters`" if key in ("beta", "beta_norm", "latents") else ""
            )
            raise FieldError(f"unknown key{where or suggestion(key, FIXED)}", (key,))
    return in_full(values)
