"""The parts of a sweep file with nested keys: metric, seeds, stop, budget, resources."""

import contextlib
import math
from dataclasses import dataclass
from typing import Literal

from evaluation.analysis.formatting import duration
from trainer.config.schema import FieldError, require

MAX_RUNS = 1_000_000
MIN_SHARE = 0.001  # of a CPU or a GPU; Ray counts in ten-thousandths


@dataclass(frozen=True)
class Metric:
    """How settings are scored: a metric of evaluation.metrics.METRICS, or `auto`.

    `auto` is the Higgins score where labels suffice for it, else UDR, which needs none.
    goal: by default the metric's own.
    within: a difference in score that does not matter. The answer gives the probability that a
        setting is within it of the best one.
    """

    name: str = "auto"
    goal: Literal["maximize", "minimize"] = "maximize"
    within: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.within < math.inf:
            raise FieldError(f"expected a positive number, got {self.within:g}", ("within",))


@dataclass(frozen=True)
class Racing:
    """A race over seeds: every setting gets `min`, the best ones up to `max` (0, 1, …)."""

    min: int = 2
    max: int = 10

    def __post_init__(self) -> None:
        require(self.min > 0, "min", f"expected 1 or more, got {self.min}")
        require(self.max >= self.min, "max", f"expected {self.min} or more, got {self.max}")
        require(self.max <= MAX_RUNS, "max", f"more than {MAX_RUNS:,} runs")


@dataclass(frozen=True)
class Stop:
    """When a race ends: the chosen setting is within `within` of the best.

    within: in units of the score; by default the metric's. confidence: the required probability.
    """

    within: float | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        ok = self.within is None or 0 < self.within < math.inf
        require(ok, "within", f"expected a positive number, got {self.within}")
        inside = 0 < self.confidence < 1
        require(inside, "confidence", f"expected a number in (0, 1), got {self.confidence:g}")


@dataclass(frozen=True)
class Money:
    """What a sweep's machines may cost. per_hour: of wall time, for all; most: in total."""

    per_hour: float
    most: float

    def __post_init__(self) -> None:
        for key in ("per_hour", "most"):
            given = getattr(self, key)
            require(0 < given < math.inf, key, f"expected a positive number, got {given:g}")


@dataclass(frozen=True)
class Budget:
    """The most that a sweep may use; its answer is based on what is done by then.

    hours: of wall time, each time the sweep is run. usd: the same limit as a price. runs: in total,
    whoever trained them.
    """

    hours: float | None = None
    runs: int | None = None
    usd: Money | None = None

    @property
    def most_hours(self) -> float | None:
        """Hours of wall time that the sweep may take: the tighter of its limits."""
        paid = None if self.usd is None else self.usd.most / self.usd.per_hour
        return min((h for h in (self.hours, paid) if h is not None), default=None)

    def in_words(self) -> str:
        """Its limit of time or money, e.g. "12.5 hours ($40)" or "30 min"; "" if there is none."""
        hours = self.most_hours
        if hours is None:
            return ""
        paid = self.usd is not None and hours != self.hours
        time = f"{hours:.3g} hours" if hours >= 1.5 else duration(hours * 3600)
        return time + (f" (${self.usd.most:g})" if paid and self.usd else "")

    def __post_init__(self) -> None:
        for key in ("hours", "runs"):
            most = getattr(self, key)
            require(most is None or most > 0, key, f"expected a positive number, got {most}")


@dataclass(frozen=True)
class Resources:
    """What one trial needs; fractions share a device. `max_concurrent`: trials at once."""

    cpu: float = 1.0
    gpu: float = 0.0
    max_concurrent: int | None = None

    def __post_init__(self) -> None:
        for key in ("cpu", "gpu"):
            share = getattr(self, key)
            problem = f"expected 0, or {MIN_SHARE} or more, got {share:g}"
            require(share == 0 or share >= MIN_SHARE, key, problem)
        whole = self.gpu <= 1 or self.gpu == int(self.gpu)
        require(whole, "gpu", f"above 1, expected an integer, got {self.gpu:g}")  # so Ray demands
        require(self.cpu + self.gpu > 0, "cpu", "a trial needs a share of a CPU or of a GPU")
        most = self.max_concurrent
        require(most is None or most > 0, "max_concurrent", "expected 1 or more")


def goal_of(metric: str) -> Literal["maximize", "minimize"]:
    """Which direction is better for a metric."""
    from evaluation.metrics.user_metrics import is_lower_better

    with contextlib.suppress(FieldError):  # an unknown metric is reported later
        return "minimize" if is_lower_better(metric) else "maximize"
    return "maximize"
