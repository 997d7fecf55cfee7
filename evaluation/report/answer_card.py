"""The top of the report: the answer in large type, its key figures, and caveats."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital, count, fixed, number, value_text
from evaluation.analysis.settings.names import setting_label
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.verdict import FAVOUR_EMPTY_CODES
from evaluation.report.charts.axis import BETA, named_axis_of
from evaluation.report.charts.captions import label_beside
from evaluation.report.charts.dimensions import title_of
from evaluation.report.facts import SweepFacts

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer


@dataclass(frozen=True)
class Tile:
    """One large number with its name above and a detail below."""

    name: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class AnswerCard:
    """The headline in large type, how far it can be trusted, and its key figures.

    clear: whether the scores settle it. verdict: that in a sentence; "" where there is none.
    """

    label: str
    headline: str
    clear: bool = False
    verdict: str = ""
    tiles: tuple[Tile, ...] = ()


def answer_card(choice: Choice, facts: SweepFacts, answer: "Answer | None") -> AnswerCard:
    """The best beta, or the best of what was swept instead, and what is known about its setting."""
    best, own, axis = choice.best, choice.favourite, named_axis_of(choice)
    label = f"The {axis.label} to use" if own else f"The best {axis.label} of this sweep"
    if answer is not None and answer.best.unusable:
        label = f"No {axis.label} is worth using; of those tried, first comes"
    if not best.finished:
        return AnswerCard(label, "No answer yet")
    if choice.metric in FAVOUR_EMPTY_CODES:
        label = f"Ranked first by {facts.score_name}, which favours codes that carry little"
    headline = axis.words(best)
    alone = len(choice.settings) == 1
    if alone:
        label = f"Only one setting was tried, {setting_label(best)}: there is nothing to choose"
        headline = f"{capital(facts.score_name)} {fixed(best.score, 3)}"
    over = f"over {count(best.seeds, 'seed')}"
    if math.isfinite(best.spread):
        over += f", spread {fixed(best.spread, 3)}"
    tiles = [
        Tile("Latents M", str(best.latents)),
        *(
            Tile(capital(title_of(name, best.parameters)), value_text(value))
            for name, value in best.parameters.items()
            if name != axis.parameter and value is not None
        ),
        Tile(capital(facts.score_name), fixed(best.score, 3), over),
        *_factors(best),
        Tile("Reconstruction", fixed(best.reconstruction, 1), "nats per image"),
        Tile("Normalised β", number(best.beta_norm), f"β · M / N, at β = {number(best.beta)}"),
    ]
    if own is not None:
        named, score = label_beside(own, best), fixed(own.score, 3)
        tiles.append(Tile("The metric's favourite", named, f"at {score}, too close to call"))
    if answer is not None and answer.best.interval is not None and axis is BETA and not alone:
        low, high = map(number, answer.best.interval)
        tiles.insert(0, Tile(f"{answer.level:.0%} interval of β", f"{low} to {high}"))
    clear = answer is not None and answer.best.verdict == "clear"
    return AnswerCard(
        label, headline, clear, "" if alone else _verdict(answer, clear), tuple(tiles)
    )


def _verdict(answer: "Answer | None", clear: bool) -> str:
    """How certain it is that this is the setting to use; if it is not, the cautions say why."""
    if answer is None or (standing := answer.best.standing) is None:
        return ""
    if not clear:
        return "Cannot tell yet"
    level, within = fixed(standing.probability_within, 2), number(answer.best.within)
    return f"Clear: with probability {level}, no other setting is better by more than {within}."


def _factors(best: SettingSummary) -> list[Tile]:
    """How many of the labelled factors the setting's codes keep, and which they lose."""
    if not best.factors:
        return []
    lost = [name for name, knowledge in best.factors.items() if not knowledge.encoded]
    kept = f"{len(best.factors) - len(lost)} of {len(best.factors)}"
    return [Tile("Factors kept", kept, f"lost: {', '.join(lost)}" if lost else "")]


def certainty(answer: "Answer | None") -> list[str]:
    """How certain the answer is, in sentences, without those already shown above: the reasons for
    doubt, and the verdict."""
    if answer is None:
        return []
    above = answer.best.reasons if answer.best.verdict != "clear" else ()
    said = answer.best.sentences
    return [text for text in said if text not in above and not text.startswith("Verdict: ")]


def cautions(choice: Choice, answer: "Answer | None" = None) -> list[str]:
    """What a careful reader should know before trusting the answer, one sentence each.

    Whether the range was wide enough is judged here only without an `answer`, which is the better
    judge.
    """
    best, found = choice.best, []
    if not best.finished:
        return ["No run finished, so there is no best β yet. The reasons are listed below."]
    if answer is None:
        found += _range_cautions(choice)
    elif answer.best.verdict != "clear":
        found += answer.best.reasons
    if best.seeds == 1:
        found.append("A single seed was trained: the score may be luck. Train more seeds.")
    if best.failed:
        found.append(
            f"{best.failed} of the {best.seeds} seeds of this setting failed; "
            f"each counts as a score of {number(choice.failed_score)}."
        )
    return found


def _range_cautions(choice: Choice) -> list[str]:
    best = choice.best
    betas = [setting.beta for setting in choice.settings if setting.latents == best.latents]
    here = f"with M = {best.latents}"
    if len(set(betas)) == 1:
        return [f"Only one β was tried {here}: there is nothing to compare it with."]
    if best.beta not in (min(betas), max(betas)):
        return []
    end, way = ("lowest", "lower") if best.beta == min(betas) else ("highest", "higher")
    return [f"This is the {end} β tried {here}: the optimum may be {way} still. Widen the range."]
