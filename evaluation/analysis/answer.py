"""Which beta is best, with an error bar: interval, probabilities, ties, and a verdict."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from evaluation.analysis.best import Best, Standing, find_best, name_setting, rank_settings
from evaluation.analysis.choose import Choice, Goal, SettingSummary, choose
from evaluation.analysis.formatting import fixed, number
from evaluation.analysis.inference.noise import Noise, measure_noise
from evaluation.analysis.inference.posterior import Posterior, draw_posterior
from evaluation.analysis.table import RunRow
from trainer.errors import UserError

MOST_TIED = 5  # settings named in a sentence
CONTENDER = 0.05  # probability from which a latent size counts as possibly the best


class Curve(NamedTuple):
    """Mean score over seeds along beta_norm at one latent size: arrays (points,).

    low, high: the band that holds the mean at each point with the answer's `level`.
    """

    beta_norm: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Answer:
    """Which beta is best, how sure that is, and what it was judged from.

    standings: every tested setting on the curve, by expected score, best first.
    probability_latents: that the best beta of all is at this latent size, by latent size.
    variance: seed and classifier noise.
    curves: by latent size, that of the combination of other parameters that scores best there.
    level: probability that each interval claims.
    notes: what else a reader should know, in sentences.
    """

    best: Best
    per_latents: Mapping[int, Best]
    standings: tuple[Standing, ...]
    probability_latents: Mapping[int, float]
    variance: Noise
    curves: Mapping[int, Curve]
    goal: Goal
    level: float
    notes: tuple[str, ...]

    @property
    def tied(self) -> tuple[SettingSummary, ...]:
        """The tested settings that cannot be told from the best one, itself first."""
        return self.best.tied

    @property
    def probability_best(self) -> dict[tuple[float, int], float]:
        """By (beta, latents), the probability that no other setting has a better mean score."""
        sums: dict[tuple[float, int], float] = defaultdict(float)
        for standing in self.standings:
            sums[standing.setting.beta, standing.setting.latents] += standing.probability_best
        return dict(sums)

    def curve(self, latents: int) -> Curve:
        """The curve of one latent size. Raises UserError when that size was not tried."""
        if latents not in self.curves:
            raise UserError(f"no setting has {latents} latents; known: {sorted(self.curves)}")
        return self.curves[latents]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON and MLflow: the best of all, then by latent size."""
        return self.best.to_json() | {
            "level": self.level,
            "notes": list(self.notes),
            "probability_latents": {str(m): p for m, p in self.probability_latents.items()},
            "settings": [
                name_setting(s.setting)
                | {"expected": s.expected, "probability_best": s.probability_best, "tied": s.tied}
                for s in self.standings
            ],
            "per_latents": {str(m): best.to_json() for m, best in self.per_latents.items()},
        }

    def __str__(self) -> str:
        """The answer as a few lines for people."""
        return "\n".join(_describe(self))


def answer(
    rows: Iterable[RunRow], goal: Goal = "maximize", level: float = 0.9, seed: int = 0
) -> Answer:
    """Which beta is best, from one row a run.

    What is modelled is a setting's **mean over seeds**: what to expect of one more seed there. The
    paper's score, the mean of the better half, is the ranking's (`choose`). As a target of
    inference it would not do: it rises with the spread of seeds, which is not what one hopes for.

    The best beta is where that mean is highest within the range tried at its latent size. Functions
    are drawn (`posterior.py`) from a surface (`surface.py`) fitted to the settings' means and their
    noise (`noise.py`); each has one top, and the interval holds the middle `level` of the tops. The
    best setting is the tested one with the best expected score: it lies near the best beta, and it
    is the one whose trained models there are to use. Failed seeds count in full, as in `choose`.

    level: what an interval claims, in (0, 1). seed: of the draws; the same rows and seed give the
    same answer. Raises UserError when no run with a beta above 0 has a score.

    Example:
        >>> scores = {1.0: 0.6, 2.0: 0.8, 4.0: 0.95, 8.0: 0.7, 16.0: 0.5}
        >>> rows = [
        ...     RunRow("a", "finished", beta, beta * 10 / 4096, 10, seed, (score + 0.01 * seed,))
        ...     for beta, score in scores.items()
        ...     for seed in range(4)
        ... ]
        >>> answer(rows).best.setting.beta
        4.0
    """
    if not 0 < level < 1:
        raise UserError(f"level must lie between 0 and 1, got {level}")
    choice = choose(rows, goal, policy="mean")
    settings = _on_the_curve(choice)
    sign = 1.0 if goal == "maximize" else -1.0
    points = np.log([(setting.beta_norm, setting.latents) for setting in settings])
    noise = measure_noise(settings, points)
    means = sign * np.array([setting.score for setting in settings])
    posterior = draw_posterior(settings, means, noise.of_mean, seed)

    sizes = sorted({setting.latents for setting in settings})
    everywhere = np.ones(len(posterior.columns.latents), bool)
    top_latents = posterior.columns.latents[posterior.draws.argmax(axis=1)]
    probability_latents = {m: float((top_latents == m).mean()) for m in sizes}
    per_latents = {
        m: find_best(posterior, settings, posterior.columns.latents == m, sign, level)
        for m in sizes
    }
    return Answer(
        best=find_best(posterior, settings, everywhere, sign, level),
        per_latents=per_latents,
        standings=rank_settings(posterior, settings, everywhere, sign, level),
        probability_latents=probability_latents,
        variance=noise,
        curves={m: _draw_curve(posterior, m, sign, level) for m in sizes},
        goal=goal,
        level=level,
        notes=tuple(_notes(choice, settings, posterior, probability_latents)),
    )


def _on_the_curve(choice: Choice) -> list[SettingSummary]:
    """The settings that a curve over log beta can hold, in an order of their own."""
    settings = [s for s in choice.settings if s.beta > 0 and math.isfinite(s.score)]
    if all(setting.failed == setting.seeds for setting in settings):
        raise UserError(
            "no run with beta above 0 finished with a score, so there is no best beta to find"
        )
    return sorted(
        settings, key=lambda s: (s.latents, s.beta_norm, repr(sorted(s.parameters.items())))
    )


def _draw_curve(posterior: Posterior, latents: int, sign: float, level: float) -> Curve:
    """The curve of the family that scores best at this latent size."""
    columns, expected = posterior.columns, posterior.draws.mean(axis=0)
    here = np.flatnonzero(columns.latents == latents)
    family = columns.family[here[expected[here].argmax()]]
    # tested settings belong to the curve too: they are all there is where only one beta was tried
    here = here[columns.family[here] == family]
    log_norm, first = np.unique(columns.log_norm[here], return_index=True)
    draws = sign * posterior.draws[:, here[first]]
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Curve(np.exp(log_norm), draws.mean(axis=0), low, high)


def _notes(
    choice: Choice,
    settings: Sequence[SettingSummary],
    posterior: Posterior,
    probability_latents: Mapping[int, float],
) -> Iterator[str]:
    contenders = {m: p for m, p in probability_latents.items() if p > CONTENDER}
    if len(contenders) > 1:
        odds = ", ".join(f"M = {m} ({p:.2f})" for m, p in contenders.items())
        yield f"The latent size is not settled: {odds}; the interval of beta is over them all."
    if choice.failed:
        runs = sum(setting.seeds for setting in choice.settings)
        yield f"{choice.failed} of {runs} runs failed; each counts, at {choice.failed_score:.3g}."
    zero = next((s for s in choice.settings if s.beta == 0 and s.finished), None)
    if zero is not None:
        rest = next(s for s in choice.settings if s.beta > 0)
        first = min(zero, rest, key=choice.settings.index)
        place = "ahead of" if first is zero else "behind"
        yield (
            "beta = 0 has no place on a curve over log beta, so all this is of beta above 0. "
            f"Its mean score, {fixed(zero.score, 3)} at M = {zero.latents}, is {place} the best of "
            f"the others ({fixed(rest.score, 3)})."
        )
    if max(setting.seeds for setting in settings) == 1:
        yield "Every setting has one seed: the noise is guessed from the scatter about the curve."
    if len(posterior.members) == 1 and len({repr(s.parameters) for s in settings}) > 1:
        names = ", ".join(sorted(settings[0].parameters))
        yield f"Other parameters vary too ({names}); what they do counts as noise here."


def _describe(answer: Answer) -> Iterator[str]:
    setting = answer.best.setting
    yield f"Best β: {_name(setting)}, β_norm {number(setting.beta_norm)}."
    yield from sentences(answer)


def sentences(answer: Answer) -> Iterator[str]:
    """How sure it is that `answer.best.setting` is best, one thing a sentence."""
    best = answer.best
    low, high = map(number, best.interval)
    yield (
        f"{answer.level:.0%} interval of the best β: {low} to {high}. Probability that no other "
        f"setting tried is better: {best.probability_best:.2f}."
    )
    others = [_name(setting) for setting in best.tied[1:]]
    if others:
        more = f" and {len(others) - MOST_TIED} more" if len(others) > MOST_TIED else ""
        yield f"Cannot be told from it: {'; '.join(others[:MOST_TIED])}{more}."
    if others and best.faithful:
        nats = f"{fixed(best.faithful.reconstruction, 1)} nats an image"
        yield f"Among them, {_name(best.faithful)} reconstructs best ({nats})."
    if best.verdict == "clear":
        yield "Verdict: clear, the scores settle this."
    else:
        yield "Verdict: cannot tell."
        yield from best.reasons
    yield from answer.notes


def _name(setting: SettingSummary) -> str:
    # an option that another objective alone has is None
    given = {key: value for key, value in setting.parameters.items() if value is not None}
    others = "".join(f", {key.rpartition('.')[2]} {value}" for key, value in given.items())
    return f"β {number(setting.beta)}, M {setting.latents}{others}"
