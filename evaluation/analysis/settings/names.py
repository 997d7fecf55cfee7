"""How a setting is named: in words for people, and as plain values for JSON."""

from typing import Any

from evaluation.analysis.formatting import finite_or_none, number, value_text
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow

SYMBOLS = {"variance": "σ²", "gamma": "γ"}  # of the papers, for parameters named otherwise


def short_name(parameter: str) -> str:
    """A parameter's name without its prefix, or its symbol: objective_options.gamma is γ."""
    last = parameter.removesuffix(".name").rpartition(".")[2]
    return SYMBOLS.get(last, last)


def setting_label(setting: SettingSummary) -> str:
    """A setting in a sentence: its beta, latents and other options."""
    return ", ".join(
        [f"β {number(setting.beta)}", f"M {setting.latents}", *describe_parameters(setting)]
    )


def run_label(row: RunRow) -> str:
    """A run in a sentence: its setting and its seed."""
    named = [f"β {number(row.beta)}", f"M {row.latents}", *describe_parameters(row)]
    return ", ".join([*named, f"seed {row.seed}"])


def describe_parameters(setting: SettingSummary | RunRow) -> list[str]:
    """The choices other than beta and latents that differ between settings: objective isa_vae."""
    # None: an option that only another objective has
    given = {key: value for key, value in setting.parameters.items() if value is not None}
    return [f"{short_name(key)} {value_text(value)}" for key, value in given.items()]


def identify(setting: SettingSummary) -> dict[str, Any]:
    """What identifies a setting, and its reconstruction, as plain values for JSON."""
    return {
        "setting": setting.rows[0].setting,
        "beta": setting.beta,
        "beta_norm": setting.beta_norm,
        "latents": setting.latents,
        "parameters": dict(setting.parameters),
        "reconstruction": finite_or_none(setting.reconstruction),
    }
