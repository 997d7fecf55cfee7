"""What a sweep concludes: one best setting, its score, and how sure that is."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evaluation.analysis.answer import Answer, answer, sentences
from evaluation.analysis.choose import Choice, Goal, SettingSummary, choose
from evaluation.analysis.formatting import fixed, number
from evaluation.analysis.table import RunRow
from trainer.errors import UserError


@dataclass(frozen=True)
class Conclusion:
    """The one answer that command line, report, figures and MLflow all give.

    choice: every setting by its score; its best ones, of all and of each latent size, are those
        that are best in expectation over seeds (`answer`), not those that score highest by luck.
    answer: how sure that is; None when the runs say nothing about beta, and `doubt` says why.
    """

    choice: Choice
    answer: Answer | None
    doubt: str = ""

    def sentences(self) -> Iterator[str]:
        """How sure the answer is, what to do if it is not, and what else a reader should know."""
        if self.answer is None:
            yield f"Verdict: cannot tell. {self.doubt[:1].upper()}{self.doubt[1:]}."
            return
        yield from sentences(self.answer)
        high, best = self.choice.settings[0], self.choice.best
        if high is not best and math.isfinite(high.score):
            yield (
                f"By score alone, the mean of the better half, β {number(high.beta)}, "
                f"M {high.latents} is ahead, {fixed(high.score, 3)} against "
                f"{fixed(best.score, 3)}; that mean also rises with the spread of seeds."
            )


def conclude(rows: Iterable[RunRow], goal: Goal = "maximize") -> Conclusion:
    """Judges every setting and says which is best, and how sure that is.

    Settings are scored by the paper's policy (`choose`), and the best one is the tested setting
    with the best expected score of one more seed (`answer`). Raises UserError without rows.

    Example:
        >>> scores = {1.0: 0.6, 2.0: 0.8, 4.0: 0.95, 8.0: 0.7, 16.0: 0.5}
        >>> rows = [
        ...     RunRow("a", "finished", beta, beta * 10 / 4096, 10, seed, (score + 0.01 * seed,))
        ...     for beta, score in scores.items()
        ...     for seed in range(4)
        ... ]
        >>> conclusion = conclude(rows)
        >>> conclusion.choice.best.beta, conclusion.answer.best.verdict
        (4.0, 'clear')
    """
    rows = tuple(rows)
    choice = choose(rows, goal)
    try:
        found = answer(rows, goal)
    except UserError as error:
        return Conclusion(choice, None, str(error))
    per_latents = {m: _same(choice.settings, b.setting) for m, b in found.per_latents.items()}
    judged = dataclasses.replace(
        choice,
        best=_same(choice.settings, found.best.setting),
        per_latents={**choice.per_latents, **per_latents},
    )
    return Conclusion(judged, found)


def _same(settings: Sequence[SettingSummary], wanted: SettingSummary) -> SettingSummary:
    """The one among `settings` that has the runs of `wanted`, which was scored otherwise."""
    return next(setting for setting in settings if setting.rows == wanted.rows)
