"""The answer of a sweep: the setting to use, how good it is, and how certain that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from evaluation.analysis.choose import Choice
from evaluation.analysis.factors import Knowledge
from evaluation.analysis.formatting import finite_or_none, number
from evaluation.analysis.inference.noise import Noise
from evaluation.analysis.inference.top import Top
from evaluation.analysis.inference.variance_shares import what_matters
from evaluation.analysis.recommend import CLEAR, Standing, faithful
from evaluation.analysis.run_health import HealthCounts
from evaluation.analysis.settings.names import describe_parameters, identify
from evaluation.analysis.settings.policies import Goal
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import Floor
from evaluation.analysis.verdict import CANNOT_TELL, Verdict
from trainer.errors import UserError


class Curve(NamedTuple):
    """Mean score over seeds along beta_norm at one latent size: arrays (points,).

    low, high: the band that contains the mean at each point with probability `level`.
    """

    beta_norm: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Best:
    """The setting to use, of the whole sweep or of one latent size, and how good it is.

    setting: the setting, over its seeds. favourite: the one with the best expected score, the
        metric's favourite; None, like `standing` and `top`, when the runs say nothing about beta.
    within: a difference that does not matter, in units of the score.
    confidence: the required probability of being within that difference of the best.
    standing: the probability that `setting` is within `within` of the best one tried, and more.
    good: the tried settings that are more likely than not within it, and `setting`; by expected
        score.
    tied: those that the metric cannot distinguish from its favourite, `setting` first.
    top: where the curve peaks, with its interval; usually between settings.
    unusable: why not even this setting is worth using; "" if it is.
    verdict, reasons: whether it is reliable; if not, why and what to do, in sentences.
    sentences: the whole answer in words; per_latents: the best of each latent size. Both are empty
        in the answer for one latent size.
    """

    setting: SettingSummary
    within: float
    confidence: float = CLEAR
    favourite: SettingSummary | None = None
    standing: Standing | None = None
    good: tuple[SettingSummary, ...] = ()
    tied: tuple[SettingSummary, ...] = ()
    top: Top | None = None
    unusable: str = ""
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
        """Its other choices that differ between settings."""
        return self.setting.parameters

    @property
    def choices(self) -> tuple[str, ...]:
        """What goes with `beta`, in words: beta_norm, M, and its other choices."""
        given = describe_parameters(self.setting)
        return f"β_norm {number(self.beta_norm)}", f"M {self.latents}", *given

    @property
    def score(self) -> float:
        """The score over all seeds, by the choice's policy."""
        return self.setting.score

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds of their mean score; None for one seed."""
        return finite_or_none(self.setting.spread)

    @property
    def seeds(self) -> int:
        """Number of seeds, including failed ones."""
        return self.setting.seeds

    @property
    def failed(self) -> int:
        """Number of seeds that failed."""
        return self.setting.failed

    @property
    def interval(self) -> tuple[float, float] | None:
        """Interval of the best beta; contains `beta`."""
        return self.top.interval if self.top else None

    @property
    def interval_norm(self) -> tuple[float, float] | None:
        """The same for beta_norm."""
        return self.top.interval_norm if self.top else None

    @property
    def probability_within(self) -> float | None:
        """Probability that its mean score is within `within` of the best setting's."""
        return self.standing.probability_within if self.standing else None

    @property
    def expected_loss(self) -> float | None:
        """How far its mean score is below the best setting's, on average."""
        return self.standing.expected_loss if self.standing else None

    @property
    def probability_best(self) -> float | None:
        """Probability that no other setting tried has a better mean score."""
        return self.standing.probability_best if self.standing else None

    @property
    def good_beta(self) -> tuple[float, float] | None:
        """The lowest and the highest beta of the good settings."""
        betas = [setting.beta for setting in self.good]
        return (min(betas), max(betas)) if betas else None

    @property
    def faithful(self) -> SettingSummary | None:
        """The tied setting that reconstructs best; None when no reconstruction is known."""
        return faithful(self.tied)

    @property
    def factors(self) -> Mapping[str, Knowledge]:
        """What the models' codes know about each factor, averaged over seeds."""
        return self.setting.factors

    @property
    def health(self) -> HealthCounts:
        """The health of its runs."""
        return self.setting.health

    @property
    def floor(self) -> Floor | None:
        """The metric on its codes shuffled among the images."""
        return self.setting.floor

    @property
    def run(self) -> str | None:
        """The id of its representative run; None when no seed has a score."""
        return self.setting.representative.run if self.setting.representative else None

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON under these names, without sentences and latent sizes."""
        return {
            "beta": self.beta,
            "beta_norm": self.beta_norm,
            "latents": self.latents,
            "parameters": dict(self.parameters),
            "score": finite_or_none(self.score),
            "spread": self.spread,
            "seeds": self.seeds,
            "failed": self.failed,
            "within": self.within,
            "confidence": self.confidence,
            "probability_within": self.probability_within,
            "expected_loss": self.expected_loss,
            "good": [identify(setting) for setting in self.good],
            "good_beta": self.good_beta,
            "interval": self.interval,
            "interval_norm": self.interval_norm,
            "probability_best": self.probability_best,
            "favourite": identify(self.favourite) if self.favourite else None,
            "tied": [identify(setting) for setting in self.tied],
            "faithful": identify(self.faithful) if self.faithful else None,
            "factors": {
                name: {"known": k.known, "best_latent": finite_or_none(k.best_latent)}
                for name, k in self.factors.items()
            },
            "health": self.health.to_json(),
            "floor": (
                {k: finite_or_none(v) for k, v in vars(self.floor).items()} if self.floor else None
            ),
            "run": self.run,
            "usable": not self.unusable,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class Answer:
    """The one answer shared by command line, report, figures and MLflow.

    choice: every setting ranked by its score, but with the best ones, overall and per latent size,
        from `best` and `per_latents`, not those that score highest by luck.
    standings: every tested setting on the curve, by expected score, best first.
    probability_latents: that the best beta overall is at this latent size, by latent size.
    variance: seed and classifier noise; None without a curve.
    curves: by latent size, for the combination of other parameters that scores best there.
    health: of all runs. level: coverage of the intervals.
    scattered, levels: other parameters that count as noise, and those whose values share one curve
        shape at different levels.
    unknown: beta and latents of settings that were tried, but ended without a score.
    """

    choice: Choice
    best: Best
    per_latents: Mapping[int, Best]
    standings: tuple[Standing, ...]
    probability_latents: Mapping[int, float]
    variance: Noise | None
    curves: Mapping[int, Curve]
    health: HealthCounts
    level: float
    scattered: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    unknown: tuple[tuple[float, int], ...] = ()

    @property
    def goal(self) -> Goal:
        """Whether higher or lower scores are better."""
        return self.choice.goal

    @property
    def within(self) -> float:
        """A difference in score that does not matter."""
        return self.best.within

    @cached_property
    def matters(self) -> Mapping[str, float]:
        """Shares of the variance of the score, as from `what_matters`."""
        return what_matters(self.choice.settings)

    @property
    def tied(self) -> tuple[SettingSummary, ...]:
        """The tested settings that cannot be distinguished from the best one, which comes first."""
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
        """Plain values: the setting to use under `best`, and for each latent size."""
        return {
            "best": self.best.to_json(),
            "per_latents": {str(m): best.to_json() for m, best in self.per_latents.items()},
        }

    def __str__(self) -> str:
        """The answer as a few lines for people."""
        return "\n".join(self.best.sentences)
