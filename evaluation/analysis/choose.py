"""Every setting scored over all its seeds by a stated policy, and ranked by that score."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.analysis.formatting import metric_name
from evaluation.analysis.settings.policies import PARTS, POLICIES, Goal
from evaluation.analysis.settings.summary import SettingSummary, mean_of_known, summarise
from evaluation.analysis.table import RunRow
from trainer.config.schema import lookup
from trainer.errors import UserError

# metrics that are 1 for a perfect code, and never more
UP_TO_ONE = frozenset({"higgins", "factorvae", "mig", "sap", "dci", "modularity", "irs", "udr"})


@dataclass(frozen=True)
class Choice:
    """The ranking of a sweep: the best setting overall and for each latent size, by score.

    settings: all of them, best first. per_latents: the best setting of each latent size M, by M.
    favourites: the metric's favourite by M, and overall under None, where another one is
        recommended.
    failed_score: what a failed seed counts as: chance level where the metric has one, else the
        worst score of the sweep; nan without either.
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
        """The highest possible score of the metric; inf if unknown."""
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
        """How a setting's score was computed, as a sentence for people."""
        rows = [row for setting in self.settings for row in setting.rows]
        # only Higgins trains several classifiers; the paper pools their scores over seeds
        several = self.metric in ("", "higgins") or any(len(row.scores) > 1 for row in rows)
        kind = "classifier" if several else metric_name(self.metric)
        words = f"The score of a setting is the mean of {PARTS[self.policy]}"
        words += f"all {kind} scores of all seeds"
        words += " (Higgins et al. 2017, A.4)." if several and self.policy == "paper" else "."
        if self.failed and math.isfinite(self.failed_score):
            level = "chance level" if math.isfinite(self.chance) else "the sweep's worst score"
            words += f" A failed seed counts in full, at {level} ({self.failed_score:.3g})."
        if self.undefined:
            words += " A collapsed seed has no score and is left out."
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
    chance = mean_of_known(row.chance for row in rows)
    failed_score = chance if math.isfinite(chance) else _worst_score(rows, goal)
    classifiers = max(len(row.scores) for row in rows) or 1

    groups: dict[tuple[object, ...], list[RunRow]] = defaultdict(list)
    for row in rows:
        groups[(row.latents, row.beta, repr(sorted(row.parameters.items())))].append(row)
    sizes = [sum(row.state != "undefined" for row in group) for group in groups.values()]
    fewest = min((size for size in sizes if size), default=0)
    summaries = [
        summarise(g, goal, make_score, failed_score, classifiers, fewest) for g in groups.values()
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
