"""A sweep's results in MLflow's terms: metrics as points, params as short texts."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.analysis.answer import Answer
from trainer.files import parse_json

CURVE_POINTS = 100  # per training curve; history.json has them all
LONGEST = 500  # characters of a param or tag

Point = tuple[str, float, int, int]  # name, value, time in ms, step


def points(figures: Mapping[str, float], when: int) -> list[Point]:
    """Each figure as one point at step 0."""
    return [(key, value, when, 0) for key, value in figures.items()]


def curves(path: Path, start: int, end: int) -> list[Point]:
    """history.json as metrics `train/…`, at most CURVE_POINTS of each, timed from start to end.

    Empty where the history is missing, or damaged, which the checksums detect.
    """
    try:
        history = parse_json(path.read_bytes())
        steps = history.pop("step")
    except (FileNotFoundError, ValueError, AttributeError, KeyError):
        return []
    stride = max(1, math.ceil(len(steps) / CURVE_POINTS))
    found = []
    for i in range((len(steps) - 1) % stride, len(steps), stride):  # including the last one
        when = start + round((end - start) * steps[i] / max(steps[-1], 1))
        row = {f"train/{key}": values[i] for key, values in history.items()}
        found += [(key, value, when, steps[i]) for key, value in numbers(row).items()]
    return found


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among `values`; list items by index, `name.0`, mapping items by key."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, list):
            found |= numbers({f"{name}.{i}": item for i, item in enumerate(value)})
        elif isinstance(value, Mapping):
            found |= numbers({f"{name}.{key}": item for key, item in value.items()})
        elif isinstance(value, int | float) and math.isfinite(value):
            found[name] = float(value)
    return found


def text(value: Any) -> str:
    """A value as a param."""
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST]


def short(value: Any) -> str:
    """A value as part of a name."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def place(beta: float, beta_norm: float, latents: int) -> dict[str, float]:
    """beta, beta_norm and latents as metrics: MLflow sorts and plots only metrics as numbers."""
    return {"beta": beta, "beta_norm": beta_norm, "latents": float(latents)}


def setting_name(parameters: Mapping[str, Any], beta: float, latents: int) -> str:
    """A setting's display name: `β 4, M 10, isa_vae`."""
    others = [
        value if isinstance(value, str) else f"{name} {short(value)}"
        for name, value in parameters.items()
        if name not in ("beta", "beta_norm", "latents")
    ]
    return ", ".join([f"β {beta:.4g}", f"M {latents}", *others])


def answer_params(answer: Answer) -> dict[str, str]:
    """The answer as MLflow params, short enough for its table of runs."""
    best = answer.best
    params: dict[str, Any] = {
        "beta": best.beta,
        "beta_norm": best.beta_norm,
        "latents": best.latents,
        "best.beta": best.beta,
        "best.beta_norm": best.beta_norm,
        "best.latents": best.latents,
        "best.setting": best.setting.rows[0].setting,
        "best.verdict": best.verdict,
    }
    if best.standing is not None and best.interval is not None:
        params |= {
            "best.within": best.within,
            "best.probability_within": _rounded(best.standing.probability_within),
            "best.expected_loss": _rounded(best.standing.expected_loss),
            "best.good": [setting.rows[0].setting for setting in best.good],
            "best.interval": [float(f"{end:.4g}") for end in best.interval],
            "best.probability": _rounded(best.standing.probability_best),
            "best.tied": [setting.rows[0].setting for setting in best.tied],
            "best.reasons": " ".join(best.reasons),
        }
        if best.faithful is not None:
            params["best.faithful"] = best.faithful.rows[0].setting
    return {key: text(value) for key, value in params.items()}


def shares(matters: Mapping[str, float]) -> dict[str, float]:
    """What the variance of the score is due to, as metrics: `matters.beta`, `matters.seed`, …"""
    return {f"matters.{name.replace(' ', '_')}": share for name, share in matters.items()}


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def scores(result: Mapping[str, Any], when: int) -> list[Point]:
    """All numbers of the evaluation, named as `rows_from_dataframe` reads them back."""
    evaluation = (result.get("evaluations") or {}).get(result["evaluation"]) or {}
    figures = {key: value for key, value in evaluation.items() if key != "measures"}
    for metric, found in (evaluation.get("measures") or {}).items():
        figures[metric] = found.get("score")
        figures |= {f"{metric}.{key}": value for key, value in found.items() if key != "score"}
    figures |= {"training": result.get("training") or {}, "health": result.get("health") or {}}
    return points(numbers(figures), when)
