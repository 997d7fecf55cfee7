"""How a report compares with the previous one: a short record of each answer, and the changes."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import count, fixed, number


def summary(choice: Choice) -> dict[str, Any]:
    """The record that the next report is compared with. Plain JSON."""
    best = choice.best
    known = best.score == best.score
    return {
        "runs": sum(setting.seeds for setting in choice.settings),
        "settings": len(choice.settings),
        "failed": choice.failed,
        "beta": best.beta,
        "latents": best.latents,
        "score": best.score if known else None,
    }


def changes(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """One sentence per difference; none without a previous report or changes."""
    return list(_changes(before, now)) if before else []


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key, name in (("runs", "run"), ("settings", "setting"), ("failed", "failed run")):
        more = now[key] - before.get(key, now[key])
        if more:
            yield f"{count(abs(more), name)} {'more' if more > 0 else 'fewer'}, {now[key]} in all."
    was, is_now = _setting(before), _setting(now)
    if was != is_now:
        yield f"The best setting changed from {was} to {is_now}."
    old, new = (fixed(float(record.get("score") or math.nan), 3) for record in (before, now))
    if old != new:
        yield f"The best score changed from {old} to {new}."


def _setting(record: Mapping[str, Any]) -> str:
    return f"β = {number(float(record['beta']))} with M = {record['latents']}"
