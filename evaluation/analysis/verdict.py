"""Whether the recommended setting is reliable and, if not, what to do about it.

The verdict is "clear" when the setting is within `within` of the best one tried with a probability
of at least `confidence`, and nothing suggests that the scores mean less than they seem to. In a
race, `confidence` is the level at which it stops. Otherwise it is CLEAR, odds of four to one: at
that level mistakes are rare and small, usually little more than `within`, while 0.95 would take
more seeds than most sweeps have, just to decide between settings that hardly differ.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.analysis.formatting import count, fixed, metric_name, number
from evaluation.analysis.inference.top import Edge
from evaluation.analysis.run_health import HealthCounts
from evaluation.analysis.table import Floor

Verdict = Literal["clear", "cannot tell"]
CANNOT_TELL: Verdict = "cannot tell"

BEYOND = 0.2  # probability that the best is beyond the range: the complement of four to one
FLAT = 0.5  # posterior probability of a constant score from which no beta is trusted
FLOOR_DEVIATIONS = 2.0  # a score this many standard deviations above its floor is not luck
MIN_BETAS = 3
MIN_UDR_SEEDS = 3
FAVOUR_EMPTY_CODES = frozenset({"unsupervised", "indicators"})
MORE_SEEDS = (1.5, 2.0, 3.0, 5.0, 10.0)
MANY_UNHEALTHY = 0.25  # at this share of unhealthy runs, they are the first thing to fix


@dataclass(frozen=True)
class Evidence:
    """What a verdict is based on.

    probability_within: of the setting to use; within_at: its expected value with this many times
        the seeds (inf: no noise left). within: in units of the score. confidence: as required.
    betas: how many were tried at its latent size. seeds: of a typical setting.
    edges: of every latent size. flat: probability that the score does not depend on beta at all.
    reach: how far from a setting, in log beta, its score is still informative.
    setting_health, sweep_health: of the setting's runs, and of all runs.
    low_collapse: the beta, 1 or less, of a setting whose runs mostly collapsed; nan without one.
    saturated: whether the best score is at its ceiling, and all settings of the latent size are as
        good as the best.
    metric, score, floor, sign: the metric, its score, and its floor; sign -1 where lower is better.
    shared: choices that all runs share, by dotted name.
    unknown: beta and latents of the settings that were tried, but have no score.
    latents: its latent size.
    most_seeds: how many seeds a race gives a setting at most; None without a race.
    """

    probability_within: float
    within_at: Callable[[float], float]
    within: float
    confidence: float
    betas: int
    seeds: int
    edges: tuple[Edge, ...]
    flat: float
    reach: float
    setting_health: HealthCounts
    sweep_health: HealthCounts
    low_collapse: float = math.nan
    saturated: bool = False
    metric: str = ""
    score: float = math.nan
    floor: Floor | None = None
    sign: float = 1.0
    shared: Mapping[str, Any] | None = None
    unknown: Sequence[tuple[float, int]] = ()
    latents: int = 0
    most_seeds: int | None = None


def judge(evidence: Evidence) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, with one sentence per reason why the scores cannot tell, causes first."""
    reasons = [*_meaningless(evidence)]
    if evidence.betas < MIN_BETAS:
        reasons.append(_too_few_betas(evidence))
    elif evidence.saturated:
        reasons.append(
            "Every β tried at this latent size is as good as the best, which is at the ceiling of "
            "the score: it cannot choose between them. Use a stricter metric, such as mig or dci, "
            "or label more factors."
        )
    elif evidence.flat > FLAT:
        reasons.append(_flat(evidence))
    else:
        reasons += _beyond(evidence)
        if evidence.probability_within < evidence.confidence:
            reasons.append(_unsure(evidence))
    if not reasons:
        return "clear", ()
    return "cannot tell", (*causes(evidence), *reasons)


def causes(evidence: Evidence) -> Iterator[str]:
    """What to fix in the training before any number of seeds can help."""
    health = evidence.sweep_health
    if health.diverged >= MANY_UNHEALTHY * health.runs:
        yield (
            f"{health.diverged} of {health.runs} runs diverged: lower the learning rate"
            f"{_now(evidence, 'optimizer.lr')} before anything else."
        )
    if math.isfinite(evidence.low_collapse):
        likelihood = _now(evidence, "likelihood")
        yield (
            f"Models collapse even at β = {number(evidence.low_collapse)}, so β is not the cause: "
            f"lower the learning rate{_now(evidence, 'optimizer.lr')}, train longer"
            f"{_now(evidence, 'steps')}, or use a likelihood that suits the images{likelihood}; "
            "more seeds would only reproduce the collapse."
        )
    if health.unconverged >= MANY_UNHEALTHY * health.runs:
        yield (
            f"The loss of {health.unconverged} of {health.runs} runs was still falling when "
            f"training ended: train longer{_now(evidence, 'steps')}."
        )


def unusable(evidence: Evidence) -> str:
    """Why not even the best setting is worth using, to follow "even of the best, …,"; "" if it is.

    Its models collapsed, or its score is what useless codes get.
    """
    health = evidence.setting_health
    if _mostly_collapsed(health):
        return f"{health.collapsed} of {count(health.runs, 'model')} collapsed"
    if evidence.floor is not None and _at_floor(evidence, evidence.floor):
        return "the score is no better than that of its codes shuffled among the images"
    return ""


def _mostly_collapsed(health: HealthCounts) -> bool:
    return 2 * health.collapsed >= health.runs > 0


def _at_floor(evidence: Evidence, floor: Floor) -> bool:
    spread = floor.spread if math.isfinite(floor.spread) else 0.0
    above = evidence.sign * (evidence.score - floor.mean)
    return math.isfinite(above) and above <= FLOOR_DEVIATIONS * spread


def _meaningless(evidence: Evidence) -> Iterator[str]:
    """Why the score, however certain, says nothing about the setting."""
    health, floor = evidence.setting_health, evidence.floor
    if _mostly_collapsed(health):
        yield (
            f"{health.collapsed} of the {health.runs} models of this setting collapsed: their "
            "codes carry no information."
        )
    elif 2 * health.worse_than_mean_image >= health.runs > 0:
        yield (
            f"{health.worse_than_mean_image} of the {health.runs} models of this setting "
            "reconstruct no better than the mean image, so their score means little: train "
            f"longer{_now(evidence, 'steps')}, or use a likelihood that suits the images"
            f"{_now(evidence, 'likelihood')}."
        )
    elif evidence.metric == "udr" and health.live_latents is not None and health.live_latents < 2:
        yield (
            "A typical model of this setting has one live latent: seeds agree on it whether or not "
            "it is disentangled, so UDR says nothing here."
        )
    if evidence.metric in FAVOUR_EMPTY_CODES:
        yield (
            f"{metric_name(evidence.metric)} improves with all that a code loses and is best for a "
            "collapsed model: it describes models, but cannot choose between them."
        )
    if evidence.metric == "udr" and evidence.seeds < MIN_UDR_SEEDS:
        yield (
            "UDR of two seeds is a single comparison, which does not show how much others would "
            f"vary: use {MIN_UDR_SEEDS} seeds or more."
        )
    if floor is not None and _at_floor(evidence, floor):
        spread = f" ± {fixed(floor.spread, 3)}" if math.isfinite(floor.spread) else ""
        yield (
            f"The score is no better than its floor, {fixed(floor.mean, 3)}{spread} for shuffled "
            "codes: with these labels it cannot distinguish a good code from a useless one."
        )


def _too_few_betas(evidence: Evidence) -> str:
    others = {beta for beta, latents in evidence.unknown if latents == evidence.latents}
    if others:
        have = "1 value of beta at this latent size has"
        if evidence.betas > 1:
            have = f"{evidence.betas} values of beta at this latent size have"
        return (
            f"Only {have} a score; {count(len(others), 'other')} ended early. Remove `early_stop` "
            "to train them to the end."
        )
    if evidence.betas == 1:
        return "All runs at this latent size have the same β: they cannot show which β is best."
    return (
        f"Only {evidence.betas} values of beta tried at this latent size: try 5 or more, spanning "
        "a factor of 100."
    )


def _flat(evidence: Evidence) -> str:
    more = f"add {_added(evidence.seeds, 3.0)} seeds per setting"
    if evidence.most_seeds is not None:
        more = f"raise `max` of `seeds` ({evidence.most_seeds} now) and the `budget`"
    return (
        "The scores are flat along β: noise alone may explain how they change with it "
        f"(probability {evidence.flat:.2f}). Try betas further apart or longer training; "
        f"if a small difference matters, {more}."
    )


def _beyond(evidence: Evidence) -> list[str]:
    # beyond its reach the curve predicts nothing: go that far, then look again
    factor = math.exp(min(max(evidence.reach, math.log(2.0)), math.log(10.0)))
    sentences = []
    for side, outward in (("lowest", 1 / factor), ("highest", factor)):
        edges = [edge for edge in evidence.edges if edge.side == side]
        chance = sum(edge.probability for edge in edges)
        if chance > BEYOND:
            worst = max(edges, key=lambda edge: edge.probability)
            beyond = [b for b, m in evidence.unknown if m == worst.latents]
            if any((b - worst.beta) * (outward - 1) > 0 for b in beyond):
                sentences.append(
                    f"The best β may lie beyond the {side} one with a score, {number(worst.beta)} "
                    f"at M = {worst.latents} (probability {chance:.2f}), where settings ended "
                    "early: remove `early_stop` to train them to the end."
                )
                continue
            sentences.append(
                f"The best β may lie beyond the {side} one tried, {number(worst.beta)} at "
                f"M = {worst.latents} (probability {chance:.2f}): widen the range by a factor of "
                f"{factor:.1f}, to β = {_rounded(worst.beta * outward)} "
                f"(β_norm {_rounded(worst.beta_norm * outward)})."
            )
    return sentences


def _rounded(beta: float) -> str:
    """A value to try: two significant digits are enough."""
    return number(float(f"{beta:.2g}"))


def _unsure(evidence: Evidence) -> str:
    statement = (
        f"The probability that it is within {number(evidence.within)} of the best is "
        f"{evidence.probability_within:.2f}; {number(evidence.confidence)} would settle it"
    )
    for factor in MORE_SEEDS:
        reached = evidence.within_at(factor)
        if reached >= evidence.confidence:
            if evidence.most_seeds is not None:
                return f"{statement}. {_longer_race(evidence, factor, evidence.most_seeds)}"
            return (
                f"{statement}. Adding {_added(evidence.seeds, factor)} seeds per setting to the "
                f"current {evidence.seeds} should raise it to about {reached:.2f}."
            )
    if evidence.within_at(math.inf) < evidence.confidence:
        return (
            f"{statement}. More seeds alone would not suffice: add settings between the good ones."
        )
    return f"{statement}; that would take over {MORE_SEEDS[-1]:.0f} times the seeds."


def _longer_race(evidence: Evidence, factor: float, most: int) -> str:
    seeds = math.ceil(evidence.seeds * factor)
    how = "as far as its `budget` allows, the race will give them"
    if seeds > most:
        how = f"raise `max` of `seeds` ({most} now)"
    return (
        f"About {seeds} seeds of each of the best settings should raise it to about "
        f"{evidence.within_at(factor):.2f}: {how}."
    )


def _now(evidence: Evidence, name: str) -> str:
    value = (evidence.shared or {}).get(name)
    if value is None:
        return ""
    shown = f"{value:,}" if isinstance(value, int) and value > 999 else str(value)
    return f" ({shown}{' steps' if name == 'steps' else ''} now)"


def _added(seeds: int, factor: float) -> int:
    return math.ceil(seeds * factor) - seeds
