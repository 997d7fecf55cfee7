"""The answer of a sweep: the setting to use, how good it is, and how sure that is."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from evaluation.analysis.choose import Choice, Goal, SettingSummary, choose
from evaluation.analysis.factors import Knowledge
from evaluation.analysis.formatting import number
from evaluation.analysis.health import Health, count_health
from evaluation.analysis.inference.noise import Noise, measure_noise
from evaluation.analysis.inference.posterior import Posterior, draw_posterior
from evaluation.analysis.sentences import describe_parameters, sentences
from evaluation.analysis.standing import Standing, faithful, rank, recommend
from evaluation.analysis.table import Floor, RunRow
from evaluation.analysis.top import Top, find_edges, find_top
from evaluation.analysis.verdict import CANNOT_TELL, Evidence, Verdict, causes, judge
from trainer.errors import UserError

WITHIN = 0.01  # of the best score: a difference that does not matter
NO_SCORE = "no run with beta above 0 finished with a score, so there is no best beta to find"


class Curve(NamedTuple):
    """Mean score over seeds along beta_norm at one latent size: arrays (points,).

    low, high: the band that holds the mean at each point with the answer's `level`.
    """

    beta_norm: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Best:
    """The setting to use, of the whole sweep or of one latent size, and how good it is.

    setting: it, over its seeds. favourite: the one with the best expected score, the metric's own
        best; None when the runs say nothing about beta, and so are `standing` and `top`.
    within: a difference in score that does not matter, in units of the score.
    standing: the probability that `setting` is within `within` of the best one tried, and the rest.
    good: the settings tried that are, more likely than not, and `setting`; by expected score.
    tied: those that the metric cannot tell from its favourite, `setting` first.
    top: where the curve is highest, with its interval, as a rule between settings.
    verdict, reasons: whether one can rely on it; if not, why and what to do, in sentences.
    sentences: all of the answer in words; per_latents: that of each latent size. Both are empty in
        the answers of a latent size.
    """

    setting: SettingSummary
    within: float
    favourite: SettingSummary | None = None
    standing: Standing | None = None
    good: tuple[SettingSummary, ...] = ()
    tied: tuple[SettingSummary, ...] = ()
    top: Top | None = None
    verdict: Verdict = CANNOT_TELL
    reasons: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    per_latents: Mapping[int, "Best"] = field(default_factory=dict)

    @property
    def beta(self) -> float:
        """The beta to use."""
        return self.setting.beta

    @property
    def beta_norm(self) -> float:
        """beta * M / N (Higgins et al. 2017, A.5)."""
        return self.setting.beta_norm

    @property
    def latents(self) -> int:
        """M of the setting to use."""
        return self.setting.latents

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its other choices, of those that differ between settings."""
        return self.setting.parameters

    @property
    def choices(self) -> tuple[str, ...]:
        """What goes with `beta`, in words: beta_norm, M, and the other choices that it has."""
        given = describe_parameters(self.setting)
        return f"β_norm {number(self.beta_norm)}", f"M {self.latents}", *given

    @property
    def score(self) -> float:
        """Over all seeds, by the choice's policy."""
        return self.setting.score

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds of their mean score; None for one seed."""
        return _known(self.setting.spread)

    @property
    def seeds(self) -> int:
        """Number of seeds, of which `failed` failed."""
        return self.setting.seeds

    @property
    def failed(self) -> int:
        """Number of seeds that failed."""
        return self.setting.failed

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the best beta; `beta` lies in it."""
        return self.top.interval if self.top else None

    @property
    def interval_norm(self) -> tuple[float, float] | None:
        """The same of beta_norm."""
        return self.top.interval_norm if self.top else None

    @property
    def probability_within(self) -> float | None:
        """That its mean score is within `within` of the best setting's."""
        return self.standing.probability_within if self.standing else None

    @property
    def expected_loss(self) -> float | None:
        """How far its mean score is below the best setting's, on average."""
        return self.standing.expected_loss if self.standing else None

    @property
    def probability_best(self) -> float | None:
        """That no other setting tried has a better mean score."""
        return self.standing.probability_best if self.standing else None

    @property
    def good_beta(self) -> tuple[float, float] | None:
        """The lowest and the highest beta of the good settings."""
        betas = [setting.beta for setting in self.good]
        return (min(betas), max(betas)) if betas else None

    @property
    def faithful(self) -> SettingSummary | None:
        """The one among the tied that reconstructs best; None when no reconstruction is known."""
        return faithful(self.tied)

    @property
    def factors(self) -> Mapping[str, Knowledge]:
        """What the models' codes know of each factor, averaged over seeds."""
        return self.setting.factors

    @property
    def health(self) -> Health:
        """The health of its runs."""
        return self.setting.health

    @property
    def floor(self) -> Floor | None:
        """What the metric gives its codes when they are shuffled among the images."""
        return self.setting.floor

    @property
    def run(self) -> str | None:
        """The id of its representative run; None when no seed has a score."""
        return self.setting.representative.run if self.setting.representative else None

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON under the names used here, without sentences and latent sizes."""
        return {
            "beta": self.beta,
            "beta_norm": self.beta_norm,
            "latents": self.latents,
            "parameters": dict(self.parameters),
            "score": _known(self.score),
            "spread": self.spread,
            "seeds": self.seeds,
            "failed": self.failed,
            "within": self.within,
            "probability_within": self.probability_within,
            "expected_loss": self.expected_loss,
            "good": [name_setting(setting) for setting in self.good],
            "good_beta": self.good_beta,
            "interval": self.interval,
            "interval_norm": self.interval_norm,
            "probability_best": self.probability_best,
            "favourite": name_setting(self.favourite) if self.favourite else None,
            "tied": [name_setting(setting) for setting in self.tied],
            "faithful": name_setting(self.faithful) if self.faithful else None,
            "factors": {
                name: {"known": k.known, "best_latent": _known(k.best_latent)}
                for name, k in self.factors.items()
            },
            "health": self.health.to_json(),
            "floor": ({k: _known(v) for k, v in vars(self.floor).items()} if self.floor else None),
            "run": self.run,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class Answer:
    """The one answer that command line, report, figures and MLflow all give.

    choice: every setting ranked by its score; its best ones, of all and of each latent size, are
        those of `best` and `per_latents`, not those that score highest by luck.
    standings: every tested setting on the curve, by expected score, best first.
    probability_latents: that the best beta of all is at this latent size, by latent size.
    variance: seed and classifier noise; None without a curve.
    curves: by latent size, that of the combination of other parameters that scores best there.
    health: of all runs. level: probability that each interval claims.
    scattered, levels: other parameters that count as noise, and those whose values have levels on
        one shared shape.
    """

    choice: Choice
    best: Best
    per_latents: Mapping[int, Best]
    standings: tuple[Standing, ...]
    probability_latents: Mapping[int, float]
    variance: Noise | None
    curves: Mapping[int, Curve]
    health: Health
    level: float
    scattered: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def goal(self) -> Goal:
        """Which way scores are better."""
        return self.choice.goal

    @property
    def within(self) -> float:
        """A difference in score that does not matter."""
        return self.best.within

    @property
    def tied(self) -> tuple[SettingSummary, ...]:
        """The tested settings that cannot be told from the best one, itself first."""
        return self.best.tied

    @property
    def probability_best(self) -> dict[tuple[float, int], float]:
        """By (beta, latents), the probability that no other setting has a better mean score."""
        sums: dict[tuple[float, int], float] = {}
        for standing in self.standings:
            key = standing.setting.beta, standing.setting.latents
            sums[key] = sums.get(key, 0.0) + standing.probability_best
        return sums

    def curve(self, latents: int) -> Curve:
        """The curve of one latent size. Raises UserError when that size was not tried."""
        if latents not in self.curves:
            raise UserError(f"no setting has {latents} latents; known: {sorted(self.curves)}")
        return self.curves[latents]

    def to_json(self) -> dict[str, Any]:
        """Plain values: the setting to use under `best`, and of each latent size."""
        return {
            "best": self.best.to_json(),
            "per_latents": {str(m): best.to_json() for m, best in self.per_latents.items()},
        }

    def __str__(self) -> str:
        """The answer as a few lines for people."""
        return "\n".join(self.best.sentences)


def answer(
    rows: Iterable[RunRow],
    goal: Goal = "maximize",
    level: float = 0.9,
    seed: int = 0,
    within: float = WITHIN,
) -> Answer:
    """Which setting to use, from one row per run.

    What is modelled is a setting's **mean over seeds**: what to expect of one more seed there. The
    paper's score, the mean of the better half, is the ranking's (`choose`). As a target of
    inference it would not do: it rises with the spread of seeds, which is not what one hopes for.

    Functions of beta are drawn (`posterior.py`) from a surface (`surface.py`) fitted to the
    settings' means and their noise (`noise.py`). In each of them some tested setting is best; the
    share of them in which a setting is within `within` of that one is its probability to be as good
    as the best (`standing.py`). Of those that the metric cannot tell apart, the one that keeps most
    factors and then reconstructs best is the one to use. Where the curve between the settings is
    highest is said with an interval (`top.py`). Failed seeds count in full, as in `choose`.

    level: what an interval claims, in (0, 1). seed: of the draws; the same rows and seed give the
    same answer. within: in units of the score. Raises UserError without rows.

    Example:
        >>> scores = {1.0: 0.6, 2.0: 0.8, 4.0: 0.95, 8.0: 0.7, 16.0: 0.5}
        >>> rows = [
        ...     RunRow("a", "finished", beta, beta * 10 / 4096, 10, seed, (score + 0.01 * seed,))
        ...     for beta, score in scores.items()
        ...     for seed in range(4)
        ... ]
        >>> found = answer(rows).best
        >>> found.beta, found.verdict
        (4.0, 'clear')
    """
    if not 0 < level < 1:
        raise UserError(f"level must lie between 0 and 1, got {level}")
    if not (math.isfinite(within) and within > 0):
        raise UserError(f"within must be a number above 0, got {within}")
    rows = tuple(rows)
    choice = choose(rows, goal)
    health = count_health(row.health for row in rows)
    settings = _on_the_curve(choice)
    if not settings:
        return _without_curve(choice, health, level, within)
    sign = 1.0 if goal == "maximize" else -1.0
    positions = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    noise = measure_noise(settings, positions)
    means = sign * np.array([setting.mean for setting in settings])
    posterior = draw_posterior(settings, means, noise.of_mean, seed)

    sizes = sorted({setting.latents for setting in settings})
    find = _Finder(choice, health, settings, posterior, sign, level, within)
    best, per_latents = find.best(sizes), {m: find.best([m]) for m in sizes}
    for m, setting in choice.per_latents.items():
        per_latents.setdefault(m, _no_best(choice, health, setting, within))
    per_latents = dict(sorted(per_latents.items()))
    top_latents = posterior.points.latents[posterior.draws.argmax(axis=1)]
    return _with_sentences(
        Answer(
            choice=_with_best(choice, best, per_latents),
            best=best,
            per_latents=per_latents,
            standings=rank(settings, posterior.tested, sign, level, within),
            probability_latents={m: float((top_latents == m).mean()) for m in sizes},
            variance=noise,
            curves={m: _draw_curve(posterior, m, sign, level) for m in sizes},
            health=health,
            level=level,
            scattered=posterior.families.scattered,
            levels=posterior.families.shared,
        )
    )


@dataclass(frozen=True)
class _Finder:
    """Finds the best of some latent sizes in what was drawn for all of them."""

    choice: Choice
    health: Health
    settings: Sequence[SettingSummary]
    posterior: Posterior
    sign: float
    level: float
    within: float

    def best(self, sizes: Sequence[int]) -> Best:
        """The best among the settings of these latent sizes."""
        here = np.array([i for i, s in enumerate(self.settings) if s.latents in sizes])
        settings = [self.settings[i] for i in here]
        tested = self.posterior.tested[:, here]
        standings = rank(settings, tested, self.sign, self.level, self.within)
        chosen = recommend(standings)
        mask = np.isin(self.posterior.points.latents, sizes)
        points, draws = self.posterior.points.only(mask), self.posterior.draws[:, mask]
        edges = find_edges(points, draws, settings, self.within)
        number = next(i for i in here if self.settings[i] is chosen.setting)
        surface = self.posterior.surface(self.posterior.families.of_setting[number])

        def within_at(factor: float) -> float:
            imagined = self.posterior.imagine(factor)[:, here]
            loss = imagined.max(axis=1) - imagined[:, settings.index(chosen.setting)]
            return float((loss <= self.within).mean())

        verdict, reasons = judge(
            replace(
                _evidence(self.choice, self.health, chosen.setting, self.within),
                probability_within=chosen.probability_within,
                within_at=within_at,
                edges=edges,
                flat=surface.flat,
                reach=surface.reach,
            )
        )
        others = [s for s in standings if s is not chosen]
        return Best(
            setting=chosen.setting,
            within=self.within,
            favourite=standings[0].setting,
            standing=chosen,
            good=tuple(s.setting for s in standings if s.good or s is chosen),
            tied=(chosen.setting, *(s.setting for s in others if s.tied)),
            top=find_top(points, draws, chosen.setting, self.sign, self.level),
            verdict=verdict,
            reasons=reasons,
        )


def _on_the_curve(choice: Choice) -> list[SettingSummary]:
    """The settings that a curve over log beta can hold, in a fixed order; none where all failed."""
    settings = [s for s in choice.settings if s.beta > 0 and math.isfinite(s.mean)]
    if not any(setting.finished for setting in settings):
        return []
    return sorted(
        settings, key=lambda s: (s.latents, s.beta_norm, repr(sorted(s.parameters.items())))
    )


def _evidence(choice: Choice, health: Health, setting: SettingSummary, within: float) -> Evidence:
    """What a verdict on `setting` is made from, as far as its runs alone tell."""
    low = [
        s.beta
        for s in choice.settings
        if s.beta <= 1 and 2 * s.health.collapsed >= s.seeds  # less pressure than a plain VAE's
    ]
    alike = [s for s in choice.settings if s.latents == setting.latents and s.beta > 0]
    return Evidence(
        probability_within=0.0,
        within_at=lambda factor: 0.0,
        within=within,
        betas=len({s.beta for s in alike}),
        seeds=round(statistics.median(s.seeds for s in choice.settings)),
        edges=(),
        flat=0.0,
        reach=0.0,
        setting_health=setting.health,
        sweep_health=health,
        low_collapse=min(low, default=math.nan),
        metric=choice.metric,
        score=setting.mean,
        floor=setting.floor,
        sign=1.0 if choice.goal == "maximize" else -1.0,
        shared=setting.rows[0].shared,
    )


def _no_best(choice: Choice, health: Health, setting: SettingSummary, within: float) -> Best:
    """What can be said where no curve over beta can be drawn: hardly more than why."""
    if setting.undefined and not setting.finished:
        doubt = "no model has a live latent, so the metric is undefined and there is no best beta"
    else:
        doubt = NO_SCORE
    mend = causes(_evidence(choice, health, setting, within))
    return Best(setting, within, reasons=(f"{doubt[:1].upper()}{doubt[1:]}.", *mend))


def _without_curve(choice: Choice, health: Health, level: float, within: float) -> Answer:
    per_latents = {m: _no_best(choice, health, s, within) for m, s in choice.per_latents.items()}
    best = _no_best(choice, health, choice.best, within)
    return _with_sentences(Answer(choice, best, per_latents, (), {}, None, {}, health, level))


def _with_best(choice: Choice, best: Best, per_latents: Mapping[int, Best]) -> Choice:
    """The ranking with the settings to use as its best ones."""
    return replace(
        choice, best=best.setting, per_latents={m: b.setting for m, b in per_latents.items()}
    )


def _with_sentences(found: Answer) -> Answer:
    said = tuple(sentences(found))
    best = replace(found.best, sentences=said, per_latents=found.per_latents)
    return replace(found, best=best)


def _draw_curve(posterior: Posterior, latents: int, sign: float, level: float) -> Curve:
    """The curve of the family that scores best at this latent size."""
    points, expected = posterior.points, posterior.draws.mean(axis=0)
    here = np.flatnonzero(points.latents == latents)
    family = points.family[here[expected[here].argmax()]]
    here = here[points.family[here] == family]
    draws = sign * posterior.draws[:, here]
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Curve(np.exp(points.log_norm[here]), draws.mean(axis=0), low, high)


def name_setting(setting: SettingSummary) -> dict[str, Any]:
    """What identifies a setting, and its reconstruction, as plain values for JSON."""
    return {
        "setting": setting.rows[0].setting,
        "beta": setting.beta,
        "beta_norm": setting.beta_norm,
        "latents": setting.latents,
        "parameters": dict(setting.parameters),
        "reconstruction": _known(setting.reconstruction),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
