"""A summary of one setting over all its seeds: its score, its health, its typical run."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from evaluation.analysis.factors import Knowledge, mean_knowledge
from evaluation.analysis.run_health import HealthCounts, count_health
from evaluation.analysis.settings.policies import Goal, expected_of
from evaluation.analysis.table import Floor, RunRow


@dataclass(frozen=True)
class SettingSummary:
    """One setting over all its seeds.

    score: by the choice's policy, over the classifier scores of all seeds, failed ones included;
        where settings have different numbers of seeds, the expected score for the smallest number.
    spread: standard deviation over seeds of their mean score, failed ones included; nan for one.
    scores: mean score of each seed in the order of `rows`; the `failed_score` for a failed one,
        without those for which the metric has no value.
    mean, error: mean of `scores` and its standard error, nan where there are too few.
    seeds: number of seeds: `failed` of them failed, `undefined` have no value of the metric.
    reconstruction, kl: mean over the finished seeds, nats per image; nan if unknown.
    reconstruction_error: standard error of reconstruction.
    parameters: every choice other than beta and latents that differs between settings.
    rows: its runs, by seed.
    others: mean over the finished seeds of all other metrics, by name.
    factors: mean over the finished seeds of the code's knowledge of each factor.
    floor: the metric on shuffled codes, averaged over seeds; None when not measured.
    """

    beta: float
    beta_norm: float
    latents: int
    seeds: int
    failed: int
    score: float
    spread: float
    scores: tuple[float, ...]
    reconstruction: float
    kl: float
    parameters: Mapping[str, Any]
    rows: tuple[RunRow, ...]
    others: Mapping[str, float] = field(default_factory=dict)
    undefined: int = 0
    reconstruction_error: float = math.nan
    factors: Mapping[str, Knowledge] = field(default_factory=dict)
    floor: Floor | None = None

    @property
    def finished(self) -> int:
        """Number of seeds that have a score."""
        return self.seeds - self.failed - self.undefined

    @property
    def mean(self) -> float:
        """Mean score over seeds: the expected score of one more."""
        return statistics.fmean(self.scores) if self.scores else math.nan

    @property
    def error(self) -> float:
        """Standard error of `mean`; nan for one seed."""
        return self.spread / math.sqrt(len(self.scores)) if self.scores else math.nan

    @cached_property
    def health(self) -> HealthCounts:
        """The health of its runs."""
        return count_health(row.health for row in self.rows)

    @cached_property
    def representative(self) -> RunRow | None:
        """The run to show for this setting: a typical one; None when no seed has a score.

        The one with the smallest Mahalanobis distance, of score and reconstruction with their
        variances over seeds, from their medians, among those that did not collapse, if any. After
        Stühmer et al. 2019, A.5, who do this within the better half of the seeds; here, statements
        about a setting are about all its seeds.
        """
        finished = [row for row in self.rows if row.state == "finished"]
        healthy = [row for row in finished if not row.health.unhealthy] or finished
        away = [0.0] * len(healthy)
        for values in ([r.score for r in healthy], [r.reconstruction for r in healthy]):
            middle, variance = statistics.median(values or [0.0]), _variance(values)
            if variance > 0:
                away = [a + (v - middle) ** 2 / variance for a, v in zip(away, values, strict=True)]
        # rounded, so that of two equally close seeds the first is chosen
        nearest = min(range(len(healthy)), key=lambda i: round(away[i], 9), default=None)
        return None if nearest is None else healthy[nearest]


def summarise(
    rows: list[RunRow],
    goal: Goal,
    make_score: Callable[[Sequence[float], Goal], float],
    failed_score: float,
    classifiers: int,
    fewest: int,
) -> SettingSummary:
    """The summary of the runs of one setting, which differ only in their seed.

    make_score: a policy of POLICIES. failed_score: what a failed seed counts as.
    classifiers: scores per finished run. fewest: the smallest number of seeds of any setting, for
        which the expected score is computed.
    """
    rows = sorted(rows, key=lambda row: (row.seed, row.run))
    counted = [row for row in rows if row.state != "undefined"]
    seed_scores = [row.score if row.state == "finished" else failed_score for row in counted]
    # a failed seed counts with as many scores as a finished one, or it would weigh less
    by_seed = [row.scores or (failed_score,) * classifiers for row in counted]
    reconstructions = [r.reconstruction for r in rows if math.isfinite(r.reconstruction)]
    return SettingSummary(
        beta=rows[0].beta,
        beta_norm=rows[0].beta_norm,
        latents=rows[0].latents,
        seeds=len(rows),
        failed=sum(row.state == "failed" for row in rows),
        undefined=len(rows) - len(counted),
        score=expected_of(make_score, by_seed, fewest, goal) if by_seed else math.nan,
        spread=_spread(seed_scores),
        scores=tuple(seed_scores),
        reconstruction=mean_of_known(reconstructions),
        reconstruction_error=_spread(reconstructions) / math.sqrt(len(reconstructions) or 1),
        kl=mean_of_known(row.kl for row in rows),
        parameters=rows[0].parameters,
        rows=tuple(rows),
        others={
            name: mean_of_known(row.others.get(name, math.nan) for row in rows)
            for name in sorted({name for row in rows for name in row.others})
        },
        factors=mean_knowledge([row.factors for row in rows]),
        floor=_mean_floor([row.floor for row in rows if row.floor is not None]),
    )


def _mean_floor(floors: Sequence[Floor]) -> Floor | None:
    if not floors:
        return None
    return Floor(
        mean=statistics.fmean(floor.mean for floor in floors),
        spread=mean_of_known(floor.spread for floor in floors),
        shuffles=sum(floor.shuffles for floor in floors),
    )


def _spread(scores: Sequence[float]) -> float:
    """Standard deviation; nan for one score, and where failed seeds have no score to count as."""
    if len(scores) < 2 or not all(map(math.isfinite, scores)):
        return math.nan
    return statistics.stdev(scores)


def _variance(values: Sequence[float]) -> float:
    """Variance over the values; 0 where it is not known."""
    spread = _spread(values)
    return spread**2 if math.isfinite(spread) else 0.0


def mean_of_known(values: Iterable[float]) -> float:
    """Mean of the finite values; nan without any."""
    known = [value for value in values if math.isfinite(value)]
    return statistics.fmean(known) if known else math.nan
