"""The setting that a person chose by eye, kept in the store next to the automatic answer.

Where no labels exist, Higgins et al. 2017 choose β by looking at traversals.
"""

import math
from collections.abc import Mapping
from typing import Any

from evaluation.analysis.formatting import finite_or_none, number
from evaluation.analysis.settings.summary import SettingSummary
from sweeps.run_store import Store
from sweeps.sweep import Snapshot
from trainer.errors import UserError


def record(snapshot: Snapshot, setting: SettingSummary, why: str = "") -> dict[str, Any]:
    """Records a setting as the one chosen by eye, and returns the record."""
    chosen = {
        "setting": setting.rows[0].setting,
        "beta": setting.beta,
        "beta_norm": setting.beta_norm,
        "latents": setting.latents,
        "parameters": dict(setting.parameters),
        "score": finite_or_none(setting.score),
        "why": why,
    }
    snapshot.sweep.store.write_json(_key(snapshot.sweep.name), chosen)
    return chosen


def chosen(store: Store, name: str) -> dict[str, Any] | None:
    """The choice by eye for the sweep `name`; None if there is none."""
    found = store.read_json(_key(name))
    return found if isinstance(found, dict) and "beta" in found and "latents" in found else None


def find(snapshot: Snapshot, wanted: Mapping[str, str]) -> SettingSummary:
    """The only setting with these values, given as strings by name: beta, latents, …

    Raises UserError when no complete setting has them, or when several do.
    """
    settings = snapshot.answer.choice.settings
    names = ["beta", "beta_norm", "latents", *settings[0].parameters]
    for name in wanted:
        if name not in names:
            raise UserError(f"no {name!r} varies in this sweep; choose by {', '.join(names)}")
    if not wanted:
        raise UserError(f"specify a setting, e.g. beta={number(settings[0].beta)}")
    found = [s for s in settings if all(_has(s, name, text) for name, text in wanted.items())]
    given = " ".join(f"{name}={text}" for name, text in wanted.items())
    if not found:
        betas = ", ".join(number(beta) for beta in sorted({s.beta for s in settings}))
        raise UserError(f"no complete setting has {given}; the values of β tried are {betas}")
    if len(found) > 1:
        others = [n for n in names if n != "beta_norm" and len({_value(s, n) for s in found}) > 1]
        raise UserError(f"{len(found)} settings have {given}; also specify {' and '.join(others)}")
    return found[0]


def sentence(chosen: Mapping[str, Any]) -> str:
    """The choice as a sentence."""
    others = "".join(f", {value}" for value in (chosen.get("parameters") or {}).values())
    why = f": {chosen['why']}" if chosen.get("why") else ""
    return (
        f"Chosen by eye: β = {number(float(chosen['beta']))} with M = {chosen['latents']}"
        f"{others}{why}."
    )


def _has(setting: SettingSummary, name: str, text: str) -> bool:
    value = _value(setting, name)
    try:
        return math.isclose(float(text), float(value), rel_tol=5e-3)
    except (TypeError, ValueError):
        return str(value) == text


def _value(setting: SettingSummary, name: str) -> Any:
    own = {"beta": setting.beta, "beta_norm": setting.beta_norm, "latents": setting.latents}
    return own[name] if name in own else setting.parameters.get(name)


def _key(name: str) -> str:
    return f"sweeps/{name}/chosen.json"
