"""Every setting scored over all its seeds by a stated policy, and ranked by that score."""

import itertools
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from evaluation.analysis.factors import Knowledge, mean_knowledge
from evaluation.analysis.formatting import metric_name
from evaluation.analysis.health import HealthCounts, count_health
from evaluation.analysis.table import Floor, RunRow
from trainer.config.schema import lookup
from trainer.errors import UserError

Goal = Literal["maximize", "minimize"]
# metrics whose scores end at 1, where a perfect code is
UP_TO_ONE = frozenset({"higgins", "factorvae", "mig", "sap", "dci", "modularity", "irs", "udr"})
SETS = 500  # of seeds, at most, over which a score is averaged


def discard_bottom_half(scores: Sequence[float], goal: Goal) -> float:
    """Mean of the better half of the scores (Higgins et al. 2017, A.4)."""
    return statistics.fmean(better_half(scores, goal))


def better_half(scores: Sequence[float], goal: Goal) -> list[float]:
    """The better half of the scores, best first; the middle one of an odd number is kept."""
    return sorted(scores, reverse=goal == "maximize")[: (len(scores) + 1) // 2]


def expected_of(
    make_score: Callable[[Sequence[float], Goal], float],
    seeds: Sequence[Sequence[float]],
    size: int,
    goal: Goal,
) -> float:
    """The expected score of `size` of the seeds: its mean over sets of that many.

    The mean of the better half rises with the number of seeds: with two, by 0.56 standard
    deviations, with ten by 0.74. So settings with more seeds would beat their equals.
    seeds: the scores of each. Averaged over all sets if there are at most SETS, else over SETS.
    """
    if math.comb(len(seeds), size) <= SETS:
        chosen: Iterable[Sequence[int]] = itertools.combinations(range(len(seeds)), size)
    else:
        draw = random.Random(0)
        chosen = [draw.sample(range(len(seeds)), size) for _ in range(SETS)]
    return statistics.fmean(
        make_score([s for k in some for s in seeds[k]], goal) for some in chosen
    )


def mean_of_all(scores: Sequence[float], goal: Goal) -> float:
    """Mean of all the scores."""
    return statistics.fmean(scores)


POLICIES: dict[str, Callable[[Sequence[float], Goal], float]] = {
    "paper": discard_bottom_half,
    "mean": mean_of_all,
}
PARTS = {"paper": "the better half of ", "mean": ""}  # the scores that a policy averages


@dataclass(frozen=True)
class SettingSummary:
    """One setting over all its seeds.

    score: by the choice's policy, over the classifier scores of all seeds, failed ones included;
        where settings have different numbers of seeds, the expected score for the smallest number.
    spread: standard deviation over seeds of their mean score, failed ones included; nan for one.
    scores: mean score of each seed in the order of `rows`; the `failed_score` for a failed one, and
        none for one without a value of the metric.
    mean, error: mean of `scores` and its standard error, nan where there are too few.
    seeds: number of seeds, of which `failed` failed and `undefined` have no value of the metric.
    reconstruction, kl: mean over the finished seeds, nats per image; nan when none is known.
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

        The one closest to the median, by distance over score and reconstruction, each scaled by its
        variance over seeds, among those that did not collapse, if any. After Stühmer et al. 2019,
        A.5, who do this within the better half of the seeds; here statements about a setting are
        about all its seeds.
        """
        finished = [row for row in self.rows if row.state == "finished"]
        healthy = [row for row in finished if not row.health.ill] or finished
        away = [0.0] * len(healthy)
        for values in ([r.score for r in healthy], [r.reconstruction for r in healthy]):
            middle, variance = statistics.median(values or [0.0]), _variance(values)
            if variance > 0:
                away = [a + (v - middle) ** 2 / variance for a, v in zip(away, values, strict=True)]
        # rounded: two seeds are equally close, so the first is chosen
        nearest = min(range(len(healthy)), key=lambda i: round(away[i], 9), default=None)
        return None if nearest is None else healthy[nearest]


@dataclass(frozen=True)
class Choice:
    """The ranking of a sweep: the best setting overall and for each latent size, by score.

    settings: all of them, best first. per_latents: the best setting of each latent size M, by M.
    favourites: the metric's favourite by M, and overall under None, where another one is
        recommended.
    failed_score: what a failed seed counts as: chance level where the metric has one, else the
        worst score of the sweep; nan when there is neither.
    chance: chance level of the metric; nan when it has none. metric: its name, empty if unknown.
    """

    best: SettingSummary
    per_latents: Mapping[int, SettingSummary]
    settings: tuple[SettingSummary, ...]
    goal: Goal
    policy: str
    failed_score: float
    chance: float
    metric: str = ""
    favourites: Mapping[int | None, SettingSummary] = field(default_factory=dict)

    @property
    def favourite(self) -> SettingSummary | None:
        """The metric's favourite if it is not `best`, from which it is indistinguishable."""
        return self.favourites.get(None)

    @property
    def ceiling(self) -> float:
        """The highest score that the metric can give; inf where none is known."""
        return 1.0 if self.metric in UP_TO_ONE and self.goal == "maximize" else math.inf

    @property
    def failed(self) -> int:
        """Number of failed runs in the sweep."""
        return sum(setting.failed for setting in self.settings)

    @property
    def undefined(self) -> int:
        """Number of runs that the metric has no value for."""
        return sum(setting.undefined for setting in self.settings)

    @property
    def policy_words(self) -> str:
        """How a setting's score was made, as a sentence for people."""
        rows = [row for setting in self.settings for row in setting.rows]
        # only Higgins trains several classifiers, whose scores the paper pools over seeds
        several = self.metric in ("", "higgins") or any(len(row.scores) > 1 for row in rows)
        kind = "classifier" if several else metric_name(self.metric)
        words = f"The score of a setting is the mean of {PARTS[self.policy]}"
        words += f"all {kind} scores of all seeds"
        words += " (Higgins et al. 2017, A.4)." if several and self.policy == "paper" else "."
        if self.failed and math.isfinite(self.failed_score):
            level = "chance level" if math.isfinite(self.chance) else "the sweep's worst score"
            words += f" A failed seed counts in full, at {level} ({self.failed_score:.3g})."
        if self.undefined:
            words += " A collapsed seed has no score, and does not count as one."
        return words


def choose(rows: Iterable[RunRow], goal: Goal = "maximize", policy: str = "paper") -> Choice:
    """Scores every setting over its seeds and ranks them. Raises UserError without rows.

    A failed seed counts as much as a finished one, at `failed_score`, so a setting that often
    diverges is penalised. Ties go to fewer failures, then to the lower beta_norm: the least
    pressure that suffices.

    Example:
        >>> rows = [RunRow(f"run{i}", "finished", 4.0, 0.01, 10, i, (0.9,)) for i in range(4)]
        >>> choose(rows).best.beta
        4.0
    """
    rows = tuple(rows)
    if not rows:
        raise UserError("there are no runs to choose from: none of this sweep has finished yet")
    make_score = lookup(POLICIES, policy, "policy")
    chance = _mean_of_known(row.chance for row in rows)
    failed_score = chance if math.isfinite(chance) else _worst_score(rows, goal)
    classifiers = max(len(row.scores) for row in rows) or 1

    groups: dict[tuple[object, ...], list[RunRow]] = defaultdict(list)
    for row in rows:
        groups[(row.latents, row.beta, repr(sorted(row.parameters.items())))].append(row)
    sizes = [sum(row.state != "undefined" for row in group) for group in groups.values()]
    fewest = min((size for size in sizes if size), default=0)
    summaries = [
        _summarise(g, goal, make_score, failed_score, classifiers, fewest) for g in groups.values()
    ]
    settings = sorted(summaries, key=lambda setting: _rank(setting, goal))
    return Choice(
        best=settings[0],
        per_latents={
            latents: next(setting for setting in settings if setting.latents == latents)
            for latents in sorted({row.latents for row in rows})
        },
        settings=tuple(settings),
        goal=goal,
        policy=policy,
        failed_score=failed_score,
        chance=chance,
        metric=rows[0].metric,
    )


def _summarise(
    rows: list[RunRow],
    goal: Goal,
    make_score: Callable[[Sequence[float], Goal], float],
    failed_score: float,
    classifiers: int,
    fewest: int,
) -> SettingSummary:
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
        reconstruction=_mean_of_known(reconstructions),
        reconstruction_error=_spread(reconstructions) / math.sqrt(len(reconstructions) or 1),
        kl=_mean_of_known(row.kl for row in rows),
        parameters=rows[0].parameters,
        rows=tuple(rows),
        others={
            name: _mean_of_known(row.others.get(name, math.nan) for row in rows)
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
        spread=_mean_of_known(floor.spread for floor in floors),
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


def _rank(setting: SettingSummary, goal: Goal) -> tuple[float, ...]:
    """Sort key, best first; a setting with no finished seed comes last."""
    cost = -setting.score if goal == "maximize" else setting.score
    return (
        setting.finished == 0,
        0.0 if math.isnan(cost) else cost,
        setting.failed,
        setting.beta_norm,
    )


def _worst_score(rows: Sequence[RunRow], goal: Goal) -> float:
    finished = [row.score for row in rows if row.state == "finished"]
    if not finished:
        return math.nan
    return min(finished) if goal == "maximize" else max(finished)


def _mean_of_known(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return statistics.fmean(known) if known else math.nan
