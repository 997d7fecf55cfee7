"""What varies in a sweep, as axes, colours and filters of the report's charts."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.analysis.formatting import number
from evaluation.analysis.settings.names import short_name
from evaluation.analysis.table import RunRow

MAX_DISTINCT = 8  # values that colours and shapes can distinguish
MAX_FILTERED = 16  # values that fit into a row of checkboxes
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a6fc0", "#888888")

Kind = Literal["log", "linear", "nominal"]


@dataclass(frozen=True)
class Dimension:
    """Something that differs between runs. field: its name in the charts' data.

    values: all that occur, in order. kind: the scale of its axis.
    """

    field: str
    title: str
    kind: Kind
    values: tuple[Any, ...]

    def place(self, value: Any) -> Any:
        """A value's position on an axis; on a logarithmic one, 0 is left of all others."""
        if self.kind != "log" or value > 0:
            return value
        return min((v for v in self.values if v > 0), default=1.0) / 4

    @property
    def x(self) -> dict[str, Any]:
        """The Vega-Lite channel of an axis."""
        if self.kind == "nominal":
            return {"field": self.field, "type": "nominal", "title": self.title, "sort": None}
        channel: dict[str, Any] = {
            "field": f"{self.field}_at",
            "type": "quantitative",
            "title": self.title,
            "scale": {"type": self.kind, "nice": False, "padding": 18},
            "axis": {"format": "~g"},
        }
        if self.kind == "linear":
            channel["scale"]["zero"] = False
        if self.kind == "log" and 0 in self.values:
            zero = self.place(0)
            channel["axis"]["labelExpr"] = f"datum.value <= {zero * 1.5} ? '0' : datum.label"
            channel["title"] += f" (0 is drawn at {number(zero)})"
        return channel

    @property
    def colour(self) -> dict[str, Any]:
        """The Vega-Lite channel of colours: distinct ones for few values, else a gradient."""
        if len(self.values) <= MAX_DISTINCT:
            scale: dict[str, Any] = {
                "domain": list(self.values),
                "range": list(COLOURS[: len(self.values)]),
            }
            return {"field": self.field, "type": "nominal", "title": self.title, "scale": scale}
        if self.kind == "nominal":
            return {"field": self.field, "type": "nominal", "title": self.title}
        scale = {"type": self.kind, "scheme": "viridis"}
        field = f"{self.field}_at"
        return {"field": field, "type": "quantitative", "title": self.title, "scale": scale}

    @property
    def shape(self) -> dict[str, Any]:
        """The Vega-Lite channel of shapes, so that nothing relies only on colour."""
        if len(self.values) > MAX_DISTINCT:
            return {"value": "circle"}
        shapes = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"]
        ranged = [shapes[i % len(shapes)] for i in range(len(self.values))]
        scale = {"domain": list(self.values), "range": ranged}
        return {"field": self.field, "type": "nominal", "title": self.title, "scale": scale}

    @property
    def is_filter(self) -> bool:
        """Whether it has several values to choose from, but not too many."""
        return 1 < len(self.values) <= MAX_FILTERED


def dimensions(rows: Sequence[RunRow]) -> tuple[Dimension, ...]:
    """beta_norm, beta, M, every other choice that differs, and the seed, in this order."""
    others = parameter_fields(rows)
    return (
        _dimension("beta_norm", "normalised β = β·M/N", [row.beta_norm for row in rows]),
        _dimension("beta", "β", [row.beta for row in rows]),
        _dimension("latents", "latents M", [row.latents for row in rows]),
        *(
            _dimension(field, title_of(name, others), [r.parameters.get(name) for r in rows])
            for name, field in others.items()
        ),
        _dimension("seed", "seed", [row.seed for row in rows]),
    )


def title_of(name: str, names: Iterable[str]) -> str:
    """A parameter's short name, where that is unambiguous."""
    short = short_name(name)
    return short if [short_name(other) for other in names].count(short) == 1 else name


def parameter_fields(rows: Sequence[RunRow]) -> dict[str, str]:
    """The field of each parameter that differs, by its name."""
    return {name: f"p{i}" for i, name in enumerate(sorted({n for r in rows for n in r.parameters}))}


def _dimension(field: str, title: str, values: Sequence[Any]) -> Dimension:
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        texts = sorted({plain(value) for value in values})
        return Dimension(field, title, "nominal", tuple(texts))
    distinct = sorted(set(values))
    wide = distinct[0] >= 0 and any(distinct) and _decades(distinct) > 0.9
    kind: Kind = "log" if field != "seed" and wide else "linear"
    return Dimension(field, title, kind, tuple(distinct))


def plain(value: Any) -> str:
    """A non-numeric choice as a string."""
    return "none" if value is None else str(value)


def _decades(values: Sequence[float]) -> float:
    positive = [value for value in values if value > 0]
    return math.log10(positive[-1] / positive[0])
