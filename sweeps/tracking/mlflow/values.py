"""A sweep's results in MLflow's words: metrics as points, params as short texts."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.analysis.advice import CANNOT_TELL
from evaluation.analysis.conclude import Conclusion
from trainer.files import parse_json

CURVE_POINTS = 100  # of each training curve; history.json, beside it, has them all
LONGEST = 500  # characters of a param or tag

Point = tuple[str, float, int, int]  # name, value, time in ms, step


def points(figures: Mapping[str, float], when: int) -> list[Point]:
    """Each figure as one point of step 0."""
    return [(key, value, when, 0) for key, value in figures.items()]


def curves(path: Path, start: int, end: int) -> list[Point]:
    """history.json as metrics `train/…`, at most CURVE_POINTS of each, dated from start to end.

    None where there is no history, or a damaged one, whose run the checksums find.
    """
    try:
        history = parse_json(path.read_bytes())
        steps = history.pop("step")
    except (FileNotFoundError, ValueError, AttributeError, KeyError):
        return []
    stride = max(1, math.ceil(len(steps) / CURVE_POINTS))
    found = []
    for i in range((len(steps) - 1) % stride, len(steps), stride):  # the last one is among them
        when = start + round((end - start) * steps[i] / max(steps[-1], 1))
        row = {f"train/{key}": values[i] for key, values in history.items()}
        found += [(key, value, when, steps[i]) for key, value in numbers(row).items()]
    return found


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among `values`; those of a list by their place: `name.0`, `name.1`, …"""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, list):
            found |= numbers({f"{name}.{i}": item for i, item in enumerate(value)})
        elif isinstance(value, int | float) and math.isfinite(value):
            found[name] = float(value)
    return found


def text(value: Any) -> str:
    """A value as a param."""
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST]


def short(value: Any) -> str:
    """A value as part of a name."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def answer_params(conclusion: Conclusion) -> dict[str, str]:
    """The answer as MLflow's params, short enough to be read in its table of runs."""
    best = conclusion.choice.best
    params: dict[str, Any] = {
        "best.beta": best.beta,
        "best.beta_norm": best.beta_norm,
        "best.latents": best.latents,
        "best.setting": best.rows[0].setting,
    }
    answer = conclusion.answer
    params["best.verdict"] = answer.best.verdict if answer else CANNOT_TELL
    if answer is not None:
        params["best.interval"] = [float(f"{end:.4g}") for end in answer.best.interval]
        params["best.probability"] = float(f"{answer.best.probability_best:.3g}")
        params["best.tied"] = [setting.rows[0].setting for setting in answer.tied]
        params["best.reasons"] = " ".join(answer.best.reasons)
        if answer.best.faithful is not None:
            params["best.faithful"] = answer.best.faithful.rows[0].setting
    return {key: text(value) for key, value in params.items()}


def scores(result: Mapping[str, Any], when: int) -> list[Point]:
    """All numbers of the evaluation, named as `rows_from_dataframe` reads them back."""
    evaluation = (result.get("evaluations") or {}).get(result["evaluation"]) or {}
    figures = {key: value for key, value in evaluation.items() if key != "measures"}
    for metric, found in (evaluation.get("measures") or {}).items():
        figures[metric] = found.get("score")
        figures |= {f"{metric}.{key}": value for key, value in found.items() if key != "score"}
    for key, value in (result.get("training") or {}).items():
        figures[f"training.{key}"] = value
    return points(numbers(figures), when)
