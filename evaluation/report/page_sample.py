"""What the page shows of a sweep too large for one page, and the CSV table of all its runs.

Browsers take minutes to open a page with tens of thousands of rows and marks.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import finite_or_none
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow

ALL_RUNS = "runs.csv"
SETTINGS, RUNS, FAILURES = 1000, 3000, 500  # at most, on a page


@dataclass(frozen=True)
class OnPage:
    """The runs and settings on the page; `choice` ranks only these settings.

    note: what is left out; "" when nothing is.
    """

    rows: tuple[RunRow, ...]
    choice: Choice
    note: str = ""


def on_page(rows: Sequence[RunRow], choice: Choice) -> OnPage:
    """As much of a sweep as a page holds.

    Settings: the better ones, every nth of the others, and the best of each latent size. Runs: for
    each of these settings first a typical one, then failed ones, then the best.
    """
    if len(rows) <= RUNS and len(choice.settings) <= SETTINGS:
        return OnPage(tuple(rows), choice)
    settings = _settings(choice)
    runs = _runs(settings, choice)
    shown = tuple(row for row in rows if row.run in runs)
    note = (
        f"This page shows {len(shown):,} of {len(rows):,} runs and {len(settings):,} of "
        f"{len(choice.settings):,} settings: the better settings and a sample of the others, with "
        "a typical run each, then those that failed, then the best. "
        f"The answer and the figures use all runs; they are in {ALL_RUNS}, next to this page."
    )
    return OnPage(shown, replace(choice, settings=settings), note)


def _settings(choice: Choice) -> tuple[SettingSummary, ...]:
    ranked = choice.settings
    if len(ranked) <= SETTINGS:
        return ranked
    half = SETTINGS // 2
    step = (len(ranked) - half) / (SETTINGS - half)
    places = {*range(half), *(half + int(i * step) for i in range(SETTINGS - half))}
    named = [choice.best, *choice.per_latents.values(), *choice.favourites.values()]
    wanted = {id(setting) for setting in named}
    return tuple(s for place, s in enumerate(ranked) if place in places or id(s) in wanted)


def _runs(settings: Sequence[SettingSummary], choice: Choice) -> set[str]:
    by_setting = (_most_telling_first(setting, choice) for setting in settings)
    in_turn = chain.from_iterable(zip_longest(*by_setting))
    runs = [row.run for row in in_turn if row is not None]
    return set(runs[:RUNS])


def _most_telling_first(setting: SettingSummary, choice: Choice) -> list[RunRow]:
    typical = setting.representative
    sign = -1 if choice.goal == "maximize" else 1

    def rank(row: RunRow) -> tuple[bool, bool, float]:
        finished = row.state == "finished"
        return row is not typical, finished, sign * row.score if finished else 0.0

    return sorted(setting.rows, key=rank)


def as_csv(rows: Sequence[RunRow]) -> str:
    """All runs as a table: a header line, then a line per run."""
    parameters = list(rows[0].parameters) if rows else []
    others = sorted({name for row in rows for name in row.others})
    columns = ("run", "setting", "state", "beta", "beta_norm", "latents", "seed", *parameters)
    measured = ("score", "reconstruction", "kl", *others, "live_latents", "reason")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*columns, *measured])
    for row in rows:
        table.writerow(
            [
                *(row.run, row.setting, row.state, row.beta, row.beta_norm, row.latents, row.seed),
                *(row.parameters.get(name) for name in parameters),
                *(finite_or_none(n) for n in (row.score, row.reconstruction, row.kl)),
                *(finite_or_none(row.others.get(name, math.nan)) for name in others),
                row.health.live_latents,
                row.reason,
            ]
        )
    return text.getvalue()
