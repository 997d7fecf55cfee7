"""Concludes from a table of runs which setting to use, and how certain that is: `answer(rows)`."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.analysis.answer import Answer, Best, Curve
from evaluation.analysis.choose import Choice, choose
from evaluation.analysis.formatting import capital
from evaluation.analysis.inference.noise import measure_noise
from evaluation.analysis.inference.posterior import Posterior, draw_posterior
from evaluation.analysis.inference.top import find_edges, find_top
from evaluation.analysis.recommend import CLEAR, Standing, rank, recommend
from evaluation.analysis.run_health import HealthCounts, count_health
from evaluation.analysis.sentences import sentences
from evaluation.analysis.settings.policies import Goal
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow
from evaluation.analysis.verdict import Evidence, causes, judge, unusable
from trainer.errors import UserError

WITHIN = 0.01  # distance from the best score that does not matter
NO_SCORE = "no run with beta above 0 finished with a score, so there is no best beta to find"


def answer(
    rows: Iterable[RunRow],
    goal: Goal = "maximize",
    level: float = 0.9,
    seed: int = 0,
    within: float = WITHIN,
    confidence: float = CLEAR,
    unknown: Sequence[tuple[float, int]] = (),
    most_seeds: int | None = None,
) -> Answer:
    """Which setting to use, from one row per run.

    The model is of a setting's **mean over seeds**: the expected score of one more seed. The
    paper's score, the mean of the better half, is used for the ranking (`choose`). It is unsuitable
    as a target of inference: it rises with the variation between seeds, which is undesirable.

    Functions of beta are drawn (`posterior.py`) from a surface (`surface.py`) fitted to the
    settings' means and their noise (`noise.py`). The share of draws in which a setting is within
    `within` of the best tested one is its probability of being good enough (`recommend.py`).
    Among those that the metric cannot tell apart, the one to use keeps the most factors, then
    reconstructs best. The peak of the curve between settings has an interval (`top.py`). Failed
    seeds count in full, as in `choose`.

    level: coverage of intervals, in (0, 1). seed: of the draws; the same rows and seed give the
    same answer. within: in units of the score. confidence: required probability of being within it
    of the best, in (0, 1). unknown: beta and latents of settings that were tried, but ended without
    a score. most_seeds: how many seeds a race gives a setting at most; None without a race. Raises
    UserError without rows.

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
    if not 0 < confidence < 1:
        raise UserError(f"confidence must lie between 0 and 1, got {confidence}")
    if not (math.isfinite(within) and within > 0):
        raise UserError(f"within must be a positive number, got {within}")
    rows = tuple(rows)
    choice = choose(rows, goal)
    health = count_health(row.health for row in rows)
    settings = _on_the_curve(choice)
    if not settings:
        return _without_curve(choice, health, level, within, confidence)
    sign = 1.0 if goal == "maximize" else -1.0
    positions = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    noise = measure_noise(settings, positions)
    means = sign * np.array([setting.mean for setting in settings])
    posterior = draw_posterior(settings, means, noise, seed)

    sizes = sorted({setting.latents for setting in settings})
    find = _Finder(
        choice, health, settings, posterior, sign, level, within, confidence, unknown, most_seeds
    )
    best = find.best(sizes)
    # the same at its own latent size, where among fewer rivals another one might be preferred
    per_latents = {m: find.best([m], best.setting) for m in sizes}
    for m, setting in choice.per_latents.items():
        per_latents.setdefault(m, _no_best(choice, health, setting, within, confidence))
    per_latents = dict(sorted(per_latents.items()))
    top_latents = posterior.points.latents[posterior.draws.argmax(axis=1)]
    return _with_sentences(
        Answer(
            choice=_with_best(choice, best, per_latents),
            best=best,
            per_latents=per_latents,
            standings=find.standings(settings, posterior.tested),
            probability_latents={m: float((top_latents == m).mean()) for m in sizes},
            variance=noise,
            curves={m: _draw_curve(posterior, m, sign, level, choice.ceiling) for m in sizes},
            health=health,
            level=level,
            scattered=posterior.families.scattered,
            levels=posterior.families.shared,
            unknown=tuple(unknown),
        )
    )


@dataclass(frozen=True)
class _Finder:
    """Finds the best setting of any latent sizes in the draws for all of them."""

    choice: Choice
    health: HealthCounts
    settings: Sequence[SettingSummary]
    posterior: Posterior
    sign: float
    level: float
    within: float
    confidence: float
    unknown: Sequence[tuple[float, int]]
    most_seeds: int | None

    def standings(
        self, settings: Sequence[SettingSummary], tested: np.ndarray
    ) -> tuple[Standing, ...]:
        """Standings of `settings`; `tested` (draws, settings) are draws of their mean scores."""
        certain = (self.level, self.within, self.confidence)
        return rank(settings, tested, self.sign, *certain, ceiling=self.choice.ceiling)

    def best(self, sizes: Sequence[int], settled: SettingSummary | None = None) -> Best:
        """The best among the settings of these latent sizes; `settled`, if given, is to be used."""
        here = np.array([i for i, s in enumerate(self.settings) if s.latents in sizes])
        settings = [self.settings[i] for i in here]
        tested = self.posterior.tested[:, here]
        standings = self.standings(settings, tested)
        chosen = next((s for s in standings if s.setting is settled), None) or recommend(standings)
        mask = np.isin(self.posterior.points.latents, sizes)
        points, draws = self.posterior.points.only(mask), self.posterior.draws[:, mask]
        edges = find_edges(points, draws, settings, self.within)
        number = next(i for i in here if self.settings[i] is chosen.setting)
        surface = self.posterior.surface(self.posterior.families.of_setting[number])

        def within_at(factor: float) -> float:
            imagined = np.minimum(self.posterior.imagine(factor)[:, here], self.choice.ceiling)
            loss = imagined.max(axis=1) - imagined[:, settings.index(chosen.setting)]
            return float((loss <= self.within).mean())

        evidence = replace(
            _evidence(self.choice, self.health, chosen.setting, self.within, self.confidence),
            probability_within=chosen.probability_within,
            within_at=within_at,
            edges=edges,
            unknown=self.unknown,
            latents=chosen.setting.latents,
            most_seeds=self.most_seeds,
            flat=surface.flat,
            reach=surface.reach,
            saturated=self.choice.ceiling - standings[0].setting.mean <= self.within
            and all(s.good for s in standings if s.setting.latents == chosen.setting.latents),
        )
        verdict, reasons = judge(evidence)
        others = [s for s in standings if s is not chosen]
        return Best(
            setting=chosen.setting,
            within=self.within,
            confidence=self.confidence,
            favourite=standings[0].setting,
            standing=chosen,
            good=tuple(s.setting for s in standings if s.good or s is chosen),
            tied=(chosen.setting, *(s.setting for s in others if s.tied)),
            top=find_top(points, draws, chosen.setting, self.sign, self.level),
            unusable=unusable(evidence),
            verdict=verdict,
            reasons=reasons,
        )


def _on_the_curve(choice: Choice) -> list[SettingSummary]:
    """The settings that fit on a curve over log beta, in a fixed order; empty if all failed."""
    settings = [s for s in choice.settings if s.beta > 0 and math.isfinite(s.mean)]
    if not any(setting.finished for setting in settings):
        return []
    return sorted(
        settings, key=lambda s: (s.latents, s.beta_norm, repr(sorted(s.parameters.items())))
    )


def _evidence(
    choice: Choice,
    health: HealthCounts,
    setting: SettingSummary,
    within: float,
    confidence: float,
) -> Evidence:
    """The evidence for a verdict on `setting`, as far as its runs provide it."""
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
        confidence=confidence,
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


def _no_best(
    choice: Choice,
    health: HealthCounts,
    setting: SettingSummary,
    within: float,
    confidence: float,
) -> Best:
    """The answer where no curve over beta can be drawn: little more than the reason."""
    if setting.undefined and not setting.finished:
        doubt = "no model has a live latent, so the metric is undefined and there is no best beta"
    else:
        doubt = NO_SCORE
    fixes = causes(_evidence(choice, health, setting, within, confidence))
    reasons = (f"{capital(doubt)}.", *fixes)
    return Best(setting, within, confidence, unusable=doubt, reasons=reasons)


def _without_curve(
    choice: Choice, health: HealthCounts, level: float, within: float, confidence: float
) -> Answer:
    per_latents = {
        m: _no_best(choice, health, s, within, confidence) for m, s in choice.per_latents.items()
    }
    best = _no_best(choice, health, choice.best, within, confidence)
    return _with_sentences(Answer(choice, best, per_latents, (), {}, None, {}, health, level))


def _with_best(choice: Choice, best: Best, per_latents: Mapping[int, Best]) -> Choice:
    """The ranking with the recommended settings as its best, next to the metric's favourites."""
    answers: list[tuple[int | None, Best]] = [(None, best), *per_latents.items()]
    return replace(
        choice,
        best=best.setting,
        per_latents={m: b.setting for m, b in per_latents.items()},
        favourites={
            m: b.favourite
            for m, b in answers
            if b.favourite is not None and b.favourite is not b.setting
        },
    )


def _with_sentences(found: Answer) -> Answer:
    said = tuple(sentences(found))
    best = replace(found.best, sentences=said, per_latents=found.per_latents)
    return replace(found, best=best)


def _draw_curve(
    posterior: Posterior, latents: int, sign: float, level: float, ceiling: float
) -> Curve:
    """The curve of the family that scores best at this latent size."""
    points, expected = posterior.points, posterior.draws.mean(axis=0)
    here = np.flatnonzero(points.latents == latents)
    family = points.family[here[expected[here].argmax()]]
    here = here[points.family[here] == family]
    draws = sign * np.minimum(posterior.draws[:, here], ceiling)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Curve(np.exp(points.log_norm[here]), draws.mean(axis=0), low, high)
