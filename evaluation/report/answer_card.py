"""The top of the report: the answer in large type, its key figures, and caveats."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import capital, count, fixed, number
from evaluation.report.charts.captions import label_beside
from evaluation.report.charts.dimensions import title_of
from evaluation.report.contents import text
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
    """The headline in large type, with its key figures."""

    label: str
    headline: str
    tiles: tuple[Tile, ...] = ()


def answer_card(choice: Choice, facts: SweepFacts, answer: "Answer | None") -> AnswerCard:
    """The best beta and what is known about its setting."""
    best, own = choice.best, choice.favourite
    label = "The β to use" if own else "The best β of this sweep"
    if not best.finished:
        return AnswerCard(label, "No answer yet")
    over = f"over {count(best.seeds, 'seed')}"
    if math.isfinite(best.spread):
        over += f", spread {fixed(best.spread, 3)}"
    tiles = [
        Tile("Normalised β", number(best.beta_norm), "β · M / N"),
        Tile("Latents M", str(best.latents)),
        Tile(capital(facts.score_name), fixed(best.score, 3), over),
        Tile("Reconstruction", fixed(best.reconstruction, 1), "nats per image"),
        *(
            Tile(capital(title_of(name, best.parameters)), text(value))
            for name, value in best.parameters.items()
        ),
    ]
    if own is not None:
        named, score = label_beside(own, best), fixed(own.score, 3)
        tiles.append(Tile("The metric's own best", named, f"at {score}, not told from this one"))
    if answer is not None and answer.best.interval is not None:
        low, high = map(number, answer.best.interval)
        tiles.insert(0, Tile(f"{answer.level:.0%} interval of β", f"{low} to {high}"))
    return AnswerCard(label, f"β = {number(best.beta)}", tuple(tiles))


def certainty(answer: "Answer | None") -> list[str]:
    """How certain the answer is, in sentences."""
    return [] if answer is None else list(answer.best.sentences)


def cautions(choice: Choice, answer: "Answer | None" = None) -> list[str]:
    """What a careful reader should know before trusting the answer, one sentence each.

    Whether the range was wide enough is judged here only without an `answer`, which judges it
    better.
    """
    best, found = choice.best, []
    if not best.finished:
        return ["No run finished, so there is no best β yet. The reasons are listed below."]
    if answer is None:
        found += _range_cautions(choice)
    elif answer.best.verdict != "clear":
        found += answer.best.reasons
    if best.seeds == 1:
        found.append("A single seed was trained: the score may be luck. Ask for more seeds.")
    if best.failed:
        found.append(
            f"{best.failed} of the {best.seeds} seeds of this setting failed; "
            f"each counts at a score of {number(choice.failed_score)}."
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
    return [f"This is the {end} β tried {here}: the top may lie {way} still. Widen the range."]
