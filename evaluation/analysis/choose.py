"""Which setting is best: every setting judged over all its seeds, by a stated policy."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evaluation.analysis.table import RunRow
from trainer.config.schema import lookup
from trainer.errors import UserError

Goal = Literal["maximize", "minimize"]


def discard_bottom_half(scores: Sequence[float], goal: Goal) -> float:
    """Mean of the better half of the scores (Higgins et al. 2017, A.4)."""
    return statistics.fmean(better_half(scores, goal))


def better_half(scores: Sequence[float], goal: Goal) -> list[float]:
    """The better half of the scores, best first; of an odd number the middle one is kept."""
    return sorted(scores, reverse=goal == "maximize")[: (len(scores) + 1) // 2]


def mean_of_all(scores: Sequence[float], goal: Goal) -> float:
    """Mean of all the scores."""
    return statistics.fmean(scores)


POLICIES: dict[str, Callable[[Sequence[float], Goal], float]] = {
    "paper": discard_bottom_half,
    "mean": mean_of_all,
}
POLICY_WORDS = {
    "paper": "better half of all classifier scores of all seeds (Higgins et al. 2017, A.4)",
    "mean": "all classifier scores of all seeds",
}


@dataclass(frozen=True)
class SettingSummary:
    """One setting over all its seeds.

    score: by the choice's policy, over the classifier scores of all seeds, failed ones included.
    spread: standard deviation over seeds of their mean score, failed ones included; nan for one.
    scores: mean score of each seed in the order of `rows`; of a failed one the `failed_score`.
    seeds: number of seeds, of which `failed` failed.
    reconstruction, kl: mean over the finished seeds, nats an image; nan when none is known.
    parameters: every choice beside beta and latents that differs between settings.
    rows: its runs, by seed.
    others: mean over the finished seeds of what else was measured, by metric.
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

    @property
    def finished(self) -> int:
        """Number of seeds that did not fail."""
        return self.seeds - self.failed


@dataclass(frozen=True)
class Choice:
    """The answer of a sweep: the best setting of all and of each latent size.

    settings: all of them, best first. per_latents: the best setting of each latent size M, by M.
    failed_score: what a failed seed counts as: chance level where the metric has one, else the
        worst score of the sweep; nan when there is neither.
    chance: chance level of the metric; nan when it has none.
    """

    best: SettingSummary
    per_latents: Mapping[int, SettingSummary]
    settings: tuple[SettingSummary, ...]
    goal: Goal
    policy: str
    failed_score: float
    chance: float

    @property
    def failed(self) -> int:
        """Number of failed runs in the sweep."""
        return sum(setting.failed for setting in self.settings)

    def best_seed(self, setting: SettingSummary) -> RunRow | None:
        """The finished run of a setting with the best score; None when all its seeds failed."""
        finished = [row for row in setting.rows if row.state == "finished"]
        sign = 1 if self.goal == "maximize" else -1
        return max(finished, key=lambda row: sign * row.score, default=None)

    @property
    def policy_words(self) -> str:
        """How a setting's score was made, as a sentence for people."""
        words = f"The score of a setting is the mean of the {POLICY_WORDS[self.policy]}."
        if self.failed and math.isfinite(self.failed_score):
            level = "chance level" if math.isfinite(self.chance) else "the sweep's worst score"
            words += f" A failed seed counts in full, at {level} ({self.failed_score:.3g})."
        return words


def choose(rows: Iterable[RunRow], goal: Goal = "maximize", policy: str = "paper") -> Choice:
    """Judge every setting over its seeds and take the best. Raises UserError without rows.

    A failed seed counts as much as a finished one, at `failed_score`, so a setting that often
    diverges pays for it. Among equal scores fewer failures win, then the lower beta_norm: the
    least pressure that does the job.

    Example:
        >>> rows = [RunRow(f"run{i}", "finished", 4.0, 0.01, 10, i, (0.9,)) for i in range(4)]
        >>> choose(rows).best.beta
        4.0
    """
    rows = tuple(rows)
    if not rows:
        raise UserError("there are no runs to choose from: none of this sweep has ended yet")
    make_score = lookup(POLICIES, policy, "policy")
    chance = _chance(rows)
    failed_score = chance if math.isfinite(chance) else _worst_score(rows, goal)
    classifiers = max(len(row.scores) for row in rows) or 1

    groups: dict[tuple[object, ...], list[RunRow]] = defaultdict(list)
    for row in rows:
        groups[(row.latents, row.beta, repr(sorted(row.parameters.items())))].append(row)
    summaries = [
        _summarise(g, goal, make_score, failed_score, classifiers) for g in groups.values()
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
    )


def _summarise(
    rows: list[RunRow],
    goal: Goal,
    make_score: Callable[[Sequence[float], Goal], float],
    failed_score: float,
    classifiers: int,
) -> SettingSummary:
    rows = sorted(rows, key=lambda row: (row.seed, row.run))
    seed_scores = [row.score if row.state == "finished" else failed_score for row in rows]
    # a failed seed brings as many scores as a finished one, or it would weigh less
    all_scores = [score for row in rows for score in row.scores or (failed_score,) * classifiers]
    return SettingSummary(
        beta=rows[0].beta,
        beta_norm=rows[0].beta_norm,
        latents=rows[0].latents,
        seeds=len(rows),
        failed=sum(row.state == "failed" for row in rows),
        score=make_score(all_scores, goal),
        spread=_spread(seed_scores),
        scores=tuple(seed_scores),
        reconstruction=_mean_of_known(row.reconstruction for row in rows),
        kl=_mean_of_known(row.kl for row in rows),
        parameters=rows[0].parameters,
        rows=tuple(rows),
        others={
            name: _mean_of_known(row.others.get(name, math.nan) for row in rows)
            for name in sorted({name for row in rows for name in row.others})
        },
    )


def _spread(scores: Sequence[float]) -> float:
    """Standard deviation; nan for one score, and where failed seeds have no score to count as."""
    if len(scores) < 2 or not all(map(math.isfinite, scores)):
        return math.nan
    return statistics.stdev(scores)


def _rank(setting: SettingSummary, goal: Goal) -> tuple[float, ...]:
    """Sorts best first; a setting with no finished seed comes after all others."""
    cost = -setting.score if goal == "maximize" else setting.score
    return (
        setting.finished == 0,
        0.0 if math.isnan(cost) else cost,
        setting.failed,
        setting.beta_norm,
    )


def _chance(rows: Sequence[RunRow]) -> float:
    return _mean_of_known(row.chance for row in rows)


def _worst_score(rows: Sequence[RunRow], goal: Goal) -> float:
    finished = [row.score for row in rows if row.state == "finished"]
    if not finished:
        return math.nan
    return min(finished) if goal == "maximize" else max(finished)


def _mean_of_known(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return statistics.fmean(known) if known else math.nan
