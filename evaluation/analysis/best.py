"""The best beta of a sweep or of one latent size: its interval, its ties, and its verdict."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.analysis.advice import Edge, Evidence, Side, Verdict, judge
from evaluation.analysis.choose import SettingSummary
from evaluation.analysis.inference.posterior import Columns, Posterior


@dataclass(frozen=True)
class Standing:
    """One tested setting in the light of all of them.

    expected, low, high: its mean score over seeds, with the answer's interval, from the surface.
    probability_best: that no other tested setting has a higher mean score.
    tied: whether the scores cannot tell it from the best setting.
    """

    setting: SettingSummary
    expected: float
    low: float
    high: float
    probability_best: float
    tied: bool


@dataclass(frozen=True)
class Best:
    """The best beta, of the whole sweep or of one latent size.

    beta, beta_norm, latents, parameters: where the surface is highest, as a rule between settings;
        parameters are empty unless each combination of them has a surface of its own.
    interval, interval_norm: of the best beta and beta_norm, over every latent size it may have;
        widened where that takes `setting` in, so that the number to use is never outside.
    expected: mean score over seeds there.
    setting: the tested setting to use, that of the best expected score.
    probability_best: that no other tested setting here has a better mean score than `setting`.
    tied: the tested settings that cannot be told from it, itself first, then by expected score.
    faithful: the one among the tied that reconstructs best; None when no reconstruction is known.
    verdict, reasons: whether the scores settle beta; if not, why and what to do, in sentences.
    """

    beta: float
    beta_norm: float
    latents: int
    parameters: Mapping[str, Any]
    interval: tuple[float, float]
    interval_norm: tuple[float, float]
    expected: float
    setting: SettingSummary
    probability_best: float
    tied: tuple[SettingSummary, ...]
    faithful: SettingSummary | None
    verdict: Verdict
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON and MLflow, under the names used here."""
        return {
            "beta": self.beta,
            "beta_norm": self.beta_norm,
            "latents": self.latents,
            "interval": list(self.interval),
            "interval_norm": list(self.interval_norm),
            "expected": self.expected,
            "setting": name_setting(self.setting),
            "probability_best": self.probability_best,
            "tied": [name_setting(setting) for setting in self.tied],
            "faithful": name_setting(self.faithful) if self.faithful else None,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
        }


def find_best(
    posterior: Posterior,
    settings: Sequence[SettingSummary],
    mask: np.ndarray,
    sign: float,
    level: float,
) -> Best:
    """The best of the columns in `mask` (columns,). sign: -1 when lower scores are better."""
    columns, draws = posterior.columns.only(mask), posterior.draws[:, mask]
    tops = _find_tops(columns, draws, level)
    expected = draws.mean(axis=0)
    standings = rank_settings(posterior, settings, mask, sign, level)
    tied = tuple(standing.setting for standing in standings if standing.tied)
    known = [setting for setting in tied if math.isfinite(setting.reconstruction)]
    verdict, reasons = judge(_collect_evidence(posterior, settings, mask, tops))
    log_norm, log_ratio = columns.log_norm[tops.likeliest], columns.log_ratio[tops.likeliest]
    setting = standings[0].setting
    return Best(
        beta=math.exp(log_norm + log_ratio),
        beta_norm=math.exp(log_norm),
        latents=int(columns.latents[tops.likeliest]),
        parameters=_family_parameters(posterior, settings, columns.family[tops.likeliest]),
        interval=_with(tops.interval(columns.log_norm + columns.log_ratio), setting.beta),
        interval_norm=_with(tops.interval(columns.log_norm), setting.beta_norm),
        expected=sign * float(expected[tops.likeliest]),
        setting=setting,
        probability_best=standings[0].probability_best,
        tied=tied,
        faithful=max(known, key=lambda setting: setting.reconstruction) if known else None,
        verdict=verdict,
        reasons=reasons,
    )


def _with(interval: tuple[float, float], value: float) -> tuple[float, float]:
    return min(interval[0], value), max(interval[1], value)


@dataclass(frozen=True)
class _Tops:
    """Where the drawn functions are highest.

    each: (draws,) column of each function's top. likeliest: column where their mean is highest.
    """

    columns: Columns
    each: np.ndarray
    likeliest: int
    level: float

    def interval(self, log_position: np.ndarray) -> tuple[float, float]:
        """The middle `level` of the tops, and the likeliest one with them, as exp(log_position)."""
        # a top lies anywhere within half a step of its grid point, but not outside what was tried
        columns, tail = self.columns, (1 - self.level) / 2
        lower = log_position - np.where(columns.low, 0.0, columns.half_step)
        upper = log_position + np.where(columns.high, 0.0, columns.half_step)
        low = np.quantile(lower[self.each], tail, method="lower")
        high = np.quantile(upper[self.each], 1 - tail, method="higher")
        likeliest = log_position[self.likeliest]
        return math.exp(min(low, likeliest)), math.exp(max(high, likeliest))

    @property
    def width(self) -> float:
        """Width of the interval in log beta_norm."""
        low, high = self.interval(self.columns.log_norm)
        return math.log(high / low)


def _find_tops(columns: Columns, draws: np.ndarray, level: float) -> _Tops:
    return _Tops(columns, draws.argmax(axis=1), int(draws.mean(axis=0).argmax()), level)


def rank_settings(
    posterior: Posterior,
    settings: Sequence[SettingSummary],
    mask: np.ndarray,
    sign: float,
    level: float,
) -> tuple[Standing, ...]:
    """The tested settings among the columns in `mask` (columns,), by expected score, best first."""
    tested = np.flatnonzero(mask & (posterior.columns.setting >= 0))
    draws = posterior.draws[:, tested]
    expected = draws.mean(axis=0)
    share_best = np.bincount(draws.argmax(axis=1), minlength=len(tested)) / len(draws)
    # tied: that it is no worse than the best keeps more probability than the level leaves over
    not_worse = (draws >= draws[:, [expected.argmax()]]).mean(axis=0)
    bounds = np.quantile(sign * draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return tuple(
        Standing(
            setting=settings[posterior.columns.setting[tested[i]]],
            expected=sign * float(expected[i]),
            low=float(bounds[0, i]),
            high=float(bounds[1, i]),
            probability_best=float(share_best[i]),
            tied=bool(not_worse[i] > 1 - level),
        )
        for i in np.argsort(-expected, kind="stable")
    )


def _collect_evidence(
    posterior: Posterior, settings: Sequence[SettingSummary], mask: np.ndarray, tops: _Tops
) -> Evidence:
    columns, best = tops.columns, tops.likeliest
    here = (columns.latents == columns.latents[best]) & (columns.family == columns.family[best])
    surface = posterior.surfaces[columns.family[best]]
    return Evidence(
        width=tops.width,
        tried=float(np.ptp(columns.log_norm[here])),
        betas=len(np.unique(columns.log_norm[here & (columns.setting >= 0)])),
        edges=_measure_edges(tops),
        tail=(1 - tops.level) / 2,
        flat=surface.flat,
        reach=surface.reach,
        seeds=round(statistics.median(setting.seeds for setting in settings)),
        width_at=lambda factor: _find_tops(*posterior.imagine(factor, mask), tops.level).width,
    )


def _measure_edges(tops: _Tops) -> tuple[Edge, ...]:
    columns = tops.columns
    sides: tuple[tuple[Side, np.ndarray], ...] = (
        ("lowest", columns.low),
        ("highest", columns.high),
    )
    edges = []
    for latents, (side, at_end) in itertools.product(np.unique(columns.latents), sides):
        ends = np.flatnonzero(at_end & (columns.latents == latents))
        log_norm, log_ratio = columns.log_norm[ends[0]], columns.log_ratio[ends[0]]
        edges.append(
            Edge(
                side=side,
                latents=int(latents),
                beta=math.exp(log_norm + log_ratio),
                beta_norm=math.exp(log_norm),
                probability=float(np.isin(tops.each, ends).mean()),
            )
        )
    return tuple(edges)


def _family_parameters(
    posterior: Posterior, settings: Sequence[SettingSummary], family: int
) -> Mapping[str, Any]:
    return settings[posterior.members[family][0]].parameters if len(posterior.members) > 1 else {}


def name_setting(setting: SettingSummary) -> dict[str, Any]:
    """What identifies a setting, and its reconstruction, as plain values for JSON."""
    return {
        "setting": setting.rows[0].setting,
        "beta": setting.beta,
        "beta_norm": setting.beta_norm,
        "latents": setting.latents,
        "parameters": dict(setting.parameters),
        "reconstruction": setting.reconstruction if math.isfinite(setting.reconstruction) else None,
    }
