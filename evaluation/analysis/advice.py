"""Whether the scores settle which beta is best and, where they do not, what to do about it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["clear", "cannot tell"]
Side = Literal["lowest", "highest"]
CANNOT_TELL: Verdict = "cannot tell"

WIDEST = math.log(10.0)  # an interval wider than a factor of ten is no answer to "which beta"
WIDEST_SHARE = 0.5  # neither is one that spans more than half of what was tried
FLAT = 0.2  # posterior probability of a constant score from which on no top is believed
FEWEST_BETAS = 3
MORE_SEEDS = (1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class Edge:
    """One end of the betas tried at a latent size; probability: that the best beta is there."""

    side: Side
    latents: int
    beta: float
    beta_norm: float
    probability: float


@dataclass(frozen=True)
class Evidence:
    """What a verdict is made from. Widths are natural logarithms of a factor in beta.

    width: of the interval. tried: of the betas tried at the best latent size; betas: their number.
    edges: of every latent size. tail: probability up to which an edge counts as ruled out.
    flat: probability that the score does not depend on beta at all.
    reach: how far from a setting its score still says something.
    seeds: of a typical setting.
    width_at: the width to expect with so many times the seeds (inf: no noise left).
    """

    width: float
    tried: float
    betas: int
    edges: tuple[Edge, ...]
    tail: float
    flat: float
    reach: float
    seeds: int
    width_at: Callable[[float], float]

    @property
    def narrow_enough(self) -> float:
        """Width of the widest interval that still answers the question."""
        return min(WIDEST, WIDEST_SHARE * self.tried)


def judge(evidence: Evidence) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and a sentence for each reason why the scores cannot tell."""
    if evidence.betas < FEWEST_BETAS:
        return "cannot tell", (_too_few_betas(evidence),)
    if evidence.flat > FLAT:
        return "cannot tell", (_flat(evidence),)
    reasons = [*_edges(evidence)]
    if evidence.width > evidence.narrow_enough:
        reasons.append(_too_wide(evidence))
    return ("cannot tell" if reasons else "clear"), tuple(reasons)


def _too_few_betas(evidence: Evidence) -> str:
    tried = "1 value" if evidence.betas == 1 else f"{evidence.betas} values"
    return f"Only {tried} of beta tried at this latent size: try 5 or more, over a factor of 100."


def _flat(evidence: Evidence) -> str:
    return (
        "The scores are flat: noise alone may explain the differences between settings "
        f"(probability {evidence.flat:.2f}). Try betas further apart or longer training; "
        f"if a small difference matters, add {_added(evidence.seeds, 3.0)} seeds a setting."
    )


def _edges(evidence: Evidence) -> list[str]:
    # past its reach the curve says nothing of what to expect: go that far, then look again
    factor = math.exp(min(max(evidence.reach, math.log(2.0)), math.log(10.0)))
    sentences = []
    for side, outward in (("lowest", 1 / factor), ("highest", factor)):
        edges = [edge for edge in evidence.edges if edge.side == side]
        chance = sum(edge.probability for edge in edges)
        if chance > evidence.tail:
            worst = max(edges, key=lambda edge: edge.probability)
            sentences.append(
                f"The best beta may lie beyond the {side} one tried, {worst.beta:.3g} at "
                f"M = {worst.latents} (probability {chance:.2f}): widen the range by a factor of "
                f"{factor:.1f}, to beta = {worst.beta * outward:.2g} "
                f"(beta_norm {worst.beta_norm * outward:.2g})."
            )
    return sentences


def _too_wide(evidence: Evidence) -> str:
    said = (
        f"The interval spans a factor of {math.exp(evidence.width):.2g} in beta; "
        f"{math.exp(evidence.narrow_enough):.2g} or less would settle it"
    )
    if evidence.width_at(math.inf) > evidence.narrow_enough:
        return f"{said}, and seeds alone would not: add settings inside the interval."
    for factor in MORE_SEEDS:
        width = evidence.width_at(factor)
        if width <= evidence.narrow_enough:
            return (
                f"{said}. Add {_added(evidence.seeds, factor)} seeds a setting to the "
                f"{evidence.seeds} there are: expect a factor of about {math.exp(width):.2g} then."
            )
    return f"{said}; that would take over {MORE_SEEDS[-1]:.0f} times the seeds: the top is level."


def _added(seeds: int, factor: float) -> int:
    return math.ceil(seeds * factor) - seeds
