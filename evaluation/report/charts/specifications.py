"""The charts of the report: their data, and their specifications in Vega-Lite.

A specification has "$x", "$colour" or "$shape" where a channel is the reader's choice; the page
substitutes a channel of a `Dimension`. "$line" is "$colour" where a line has one colour, else grey.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital
from evaluation.analysis.recommend import comparable
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow
from evaluation.report.charts import captions
from evaluation.report.charts.axis import BETA, named_axis_of
from evaluation.report.charts.dimensions import Dimension, parameter_fields, plain
from evaluation.report.charts.keys import setting_key

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer

FAILED = "#e5383b"  # works on light and dark backgrounds
RING = {"type": "point", "size": 220, "filled": False, "strokeWidth": 2.2, "shape": "circle"}
ZOOM: dict[str, Any] = {
    "name": "zoom",
    "select": {
        "type": "interval",
        "zoom": "wheel![event.ctrlKey || event.metaKey]",  # a bare wheel scrolls the page
    },
    "bind": "scales",
}


@dataclass(frozen=True)
class Chart:
    """A chart. name: of its element; finding: what it shows, in words; spec: in Vega-Lite."""

    name: str
    title: str
    finding: str
    spec: Mapping[str, Any]


def charts(choice: Choice, score_name: str) -> tuple[Chart, ...]:
    """The charts for which this sweep has the data: a single setting is no picture."""
    if len([setting for setting in choice.settings if setting.finished]) < 2:
        return ()
    score = _axis("score", score_name)
    found = [
        Chart(
            "inverted-u",
            _first_title(choice, score_name),
            captions.of_inverted_u(choice, score_name),
            _inverted_u(score),
        )
    ]
    if len(choice.per_latents) > 1:
        found.append(
            Chart(
                "map",
                f"{capital(score_name)} over latent size and β",
                captions.of_map(choice, score_name),
                _map(score_name, len(choice.per_latents)),
            )
        )
    if len(comparable(choice.settings, choice.best)) > 1:
        found.append(
            Chart(
                "tradeoff",
                f"{capital(score_name)} against reconstruction",
                captions.of_tradeoff(choice, score_name),
                _scatter(
                    _axis("alike", "log p(x|z), nats per image"),
                    _axis("mean", f"{score_name}, mean over seeds"),  # as is the reconstruction
                ),
            )
        )
        rate = _axis("kl", "KL, nats per image (rate)")
        distortion = _axis("alike", "log p(x|z), nats per image")
        found.append(
            Chart(
                "rate",
                "Reconstruction against KL",
                captions.of_rate(choice),
                _scatter(rate, distortion),
            )
        )
    return tuple(found)


def _first_title(choice: Choice, score_name: str) -> str:
    """The inverted U is one of three β or more, and upside down where less is better."""
    axis = named_axis_of(choice)
    betas = {setting.beta for setting in choice.settings}
    if axis is BETA and choice.goal == "maximize" and len(betas) > 2:
        return "The inverted U"
    return f"{capital(score_name)} against {axis.label}"


def data_of(
    rows: Sequence[RunRow], choice: Choice, answer: "Answer | None", dims: Sequence[Dimension]
) -> dict[str, list[dict[str, Any]]]:
    """What the charts draw, by name: runs, settings, fitted curves and chance. Plain JSON."""
    fields = parameter_fields(rows)
    same = comparable(choice.settings, choice.best)  # alike: those that can share an axis
    alike = {row.run for setting in same for row in setting.rows}
    alike_settings = {setting_key(setting) for setting in same}
    runs = [
        _known(
            _places(row, fields, dims)
            | {"run": row.run, "seed": row.seed, "state": row.state, "reason": row.reason}
            | {"score": score, "mean": score}
            | {"reconstruction": row.reconstruction, "kl": row.kl}
            | ({"alike": row.reconstruction} if row.run in alike else {})
        )
        for row in rows
        for score in [choice.failed_score if row.state == "failed" else row.score]
    ]
    settings = [
        _known(
            _places(setting, fields, dims)
            | {
                "score": setting.score,
                "mean": setting.mean,
                "spread": setting.spread,
                "seeds": setting.seeds,
            }
            | {"failed": setting.failed, "reconstruction": setting.reconstruction}
            | {
                "kl": setting.kl,
                "best": setting is choice.best,
                "own_best": setting is choice.favourite,
                "low": low,
                "high": high,
            }
            | {"key": key}
            | ({"alike": setting.reconstruction} if key in alike_settings else {})
        )
        for setting in choice.settings
        if setting.finished
        for low, high in [_errors(setting)]
        for key in [setting_key(setting)]
    ]
    chance = [{"chance": choice.chance}] if math.isfinite(choice.chance) else []
    return {
        "runs": runs,
        "settings": settings,
        "curves": list(_curves(answer, choice)),
        "chance": chance,
    }


def _errors(setting: SettingSummary) -> tuple[float, float]:
    """The score minus and plus its standard error over seeds; just the score for one seed."""
    half = setting.spread / math.sqrt(setting.seeds)
    half = half if math.isfinite(half) else 0.0
    return setting.score - half, setting.score + half


def _places(
    item: RunRow | SettingSummary, fields: Mapping[str, str], dims: Sequence[Dimension]
) -> dict[str, Any]:
    """The choices of a run or setting by field, and their positions on an axis."""
    values: dict[str, Any] = {
        "beta": item.beta,
        "beta_norm": item.beta_norm,
        "latents": item.latents,
    }
    by_field = {dim.field: dim for dim in dims}
    for name, field in fields.items():
        value = item.parameters.get(name)
        values[field] = plain(value) if by_field[field].kind == "nominal" else value
    return values | {f"{field}_at": by_field[field].place(v) for field, v in values.items()}


def _curves(answer: "Answer | None", choice: Choice) -> Iterable[dict[str, Any]]:
    """The fitted mean per latent size, if only beta and M vary."""
    if answer is None or any(setting.parameters for setting in choice.settings):
        return
    per_beta = {s.latents: s.beta_norm / s.beta for s in choice.settings if s.beta > 0}
    for latents, curve in answer.curves.items():
        for place, mean, low, high in zip(*map(list, curve), strict=True):
            yield {
                "latents": latents,
                "beta_norm_at": float(place),
                "beta_at": float(place) / per_beta[latents],
                "mean": float(mean),
                "low": float(low),
                "high": float(high),
            }


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without None and numbers that JSON cannot represent."""
    return {
        key: value
        for key, value in values.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def _axis(field: str, title: str) -> dict[str, Any]:
    scale = {"zero": False, "nice": False, "padding": 14}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale}


def _inverted_u(score: Mapping[str, Any]) -> dict[str, Any]:
    shared = {"x": "$x", "color": "$colour"}
    band = {"y": {**score, "field": "low"}, "y2": {"field": "high"}}
    return {
        "height": 380,
        "layer": [
            {
                "data": {"name": "curves"},
                "mark": {"type": "area", "opacity": 0.13, "clip": True, "aria": False},
                "encoding": {**shared, **band},
            },
            {
                "data": {"name": "chance"},
                "mark": {"type": "rule", "strokeDash": [2, 3], "opacity": 0.7},
                "encoding": {
                    "y": {**score, "field": "chance"},
                    "tooltip": {"value": "chance level"},
                },
            },
            {
                "data": {"name": "settings"},
                "mark": {"type": "line", "strokeWidth": 1.8, "clip": True, "aria": False},
                "encoding": {"x": "$x", "color": "$line", "y": score, "detail": {"field": "line"}},
            },
            {
                "data": {"name": "settings"},
                "mark": {"type": "rule", "strokeWidth": 1.4, "clip": True, "aria": False},
                "encoding": {**shared, **band},
            },
            {**_runs(score), "params": [ZOOM]},
            _settings(score),
            *_rings(score),
            {
                "data": {"name": "failed"},
                "mark": {
                    "type": "point",
                    "shape": "M-1-1L1 1M-1 1L1-1",
                    "size": 40,
                    "strokeWidth": 2,
                    "filled": False,
                    "color": FAILED,
                    "clip": True,
                },
                "encoding": {"x": "$x", "y": score, "tooltip": "$run"},
            },
        ],
    }


def _runs(y: Mapping[str, Any], x: Any = "$x") -> dict[str, Any]:
    return {
        "data": {"name": "finished"},
        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 0.5, "clip": True}
        | {"cursor": "pointer"},
        "encoding": {"x": x, "y": y, "color": "$colour", "shape": "$shape", "tooltip": "$run"},
    }


def _settings(y: Mapping[str, Any], x: Any = "$x") -> dict[str, Any]:
    return {
        "data": {"name": "settings"},
        "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1, "clip": True},
        "encoding": {"x": x, "y": y, "color": "$colour", "shape": "$shape", "tooltip": "$setting"},
    }


def _rings(y: Mapping[str, Any], x: Any = "$x", **mark: Any) -> list[dict[str, Any]]:
    """Rings around the setting to use and, dashed, around the metric's favourite if different."""
    return [
        {
            "data": {"name": name},
            "mark": {**RING, "color": "currentColor", "clip": True, **mark, **dashes},
            "encoding": {"x": x, "y": y, "tooltip": "$setting"},
        }
        for name, dashes in (("best", {}), ("own_best", {"strokeDash": [4, 3]}))
    ]


def _map(score_name: str, sizes: int) -> dict[str, Any]:
    colour: dict[str, Any] = {"field": "score", "type": "quantitative", "title": score_name}
    colour |= {"scale": {"scheme": "cividis"}}
    latents = {"field": "latents", "type": "ordinal", "title": "latents M", "sort": "descending"}
    marks = {"type": "point", "shape": "square", "filled": True, "size": 420, "opacity": 1}
    marks |= {"stroke": "#888888", "strokeWidth": 0.7}  # dark squares on a dark background
    return {
        "height": 44 * sizes,
        "layer": [
            {
                "data": {"name": "settings"},
                "params": [ZOOM | {"select": {**ZOOM["select"], "encodings": ["x"]}}],
                "mark": {**marks, "clip": True},
                "encoding": {"x": "$x", "y": latents, "color": colour, "tooltip": "$setting"},
            },
            *_rings(latents, size=700),
        ],
    }


def _scatter(x: Mapping[str, Any], y: Mapping[str, Any]) -> dict[str, Any]:
    path = {"type": "line", "strokeWidth": 1.2, "opacity": 0.6, "clip": True, "aria": False}
    return {
        "height": 360,
        "layer": [
            {
                "data": {"name": "settings"},
                "mark": path,
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": "$line",
                    "detail": {"field": "line"},
                    "order": {"field": "beta"},
                },
            },
            {**_runs(y, x), "params": [ZOOM]},
            _settings(y, x),
            *_rings(y, x),
        ],
    }
