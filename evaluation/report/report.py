"""The report of a sweep: one page that answers first and then shows why, beside its figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from evaluation.analysis.choose import Choice, SettingSummary
from evaluation.analysis.formatting import capital, count, fixed, metric_name, number
from evaluation.analysis.table import RunRow
from evaluation.report import page
from evaluation.report.figures import beta_latents_map, inverted_u, style, tradeoff
from evaluation.report.figures import traversals as traversal_grid
from evaluation.report.page import Column, Row
from evaluation.traversals import Traversal
from trainer.files import write_atomically

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer, Best
    from evaluation.baselines.table import Line

PAGE = "index.html"
INCH = 106  # CSS pixels that an inch of a figure takes: 9.6 inches fill the page


@dataclass(frozen=True)
class Facts:
    """What a report says of a sweep beyond its rows. All of it may be left out.

    score_name: what the score is, in words, e.g. "Higgins score".
    data: one line on the images, e.g. "dsprites (rendered), 737,280 images of 1x64x64".
    scoring: how a run was scored, by name, e.g. {"protocol": "paper", "training points": "10,000"}.
    command: what to type for the same answer. sweep_file: its text. versions: of software, by name.
    paper: the rows of Higgins et al. 2017, Fig. 5, beside the paper's (evaluation.baselines.table).
    """

    score_name: str = "score"
    data: str = ""
    scoring: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    sweep_file: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    paper: "Sequence[Line]" = ()


def write_report(
    rows: Sequence[RunRow],
    choice: Choice,
    folder: str | Path,
    *,
    name: str,
    traversals: Sequence[Traversal] = (),
    facts: Facts | None = None,
    answer: "Answer | None" = None,
) -> Path:
    """Write figures as PNG files and one page that holds them all; its path, `folder/index.html`.

    Every file is written whole or not at all, the page last. The page needs nothing else: no
    network, no other file. Raises UserError when the folder cannot be written to.

    Example:
        >>> rows = rows_from_results(results, evaluation_id)                # doctest: +SKIP
        >>> write_report(rows, choose(rows), "report", name="dsprites-beta")  # doctest: +SKIP
    """
    folder, facts = Path(folder), facts or Facts()
    names = {"score_name": facts.score_name}
    figures = {
        "inverted_u": inverted_u.draw(rows, choice, answer, **names),
        "beta_latents_map": beta_latents_map.draw(rows, choice, **names),
        "tradeoff": tradeoff.draw(rows, choice, **names),
    }
    for position, traversal in enumerate(traversals, start=1):
        figures[f"traversals_{position}"] = traversal_grid.draw(traversal)
    for stale in folder.glob("traversals_*.png"):
        stale.unlink()
    images = {}
    for stem, figure in figures.items():
        png = style.png(figure)
        write_atomically(folder / f"{stem}.png", png)
        images[stem] = page.image(png, _title(figure), round(figure.get_figwidth() * INCH))

    sections = [
        _header(name, rows, choice, facts),
        _answer(choice, facts, answer),
        _certainty(answer),
        _per_latents(choice, facts, answer),
        page.section(
            "The inverted U",
            images["inverted_u"],
            intro="Too little pressure and too much of it both entangle the latents.",
        ),
        page.section("The whole sweep at a glance", images["beta_latents_map"]),
        page.section(
            "Reconstruction beside disentanglement",
            images["tradeoff"],
            intro="Sharp reconstructions alone do not show a disentangled representation.",
        ),
        _traversals([images[stem] for stem in images if stem.startswith("traversals_")]),
        _settings(choice, facts),
        _paper(facts),
        _failures(rows),
        _scoring(choice, facts),
        _reproduction(facts),
    ]
    html = page.page(f"{name}: the best β", filter(None, sections))
    write_atomically(folder / PAGE, html.encode("utf-8"))
    return folder / PAGE


def cautions(choice: Choice, answer: "Answer | None" = None) -> list[str]:
    """What a careful reader should know before trusting the answer, one sentence each.

    Whether the range was wide enough is judged here only without an `answer`, which judges better.
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


def _header(name: str, rows: Sequence[RunRow], choice: Choice, facts: Facts) -> str:
    sizes = [count(len(choice.settings), "setting"), count(len(rows), "run")]
    if choice.failed:
        sizes.append(f"{choice.failed} failed")
    about = " · ".join([*([facts.data] if facts.data else []), *sizes])
    return page.header(name, about)


def _answer(choice: Choice, facts: Facts, answer: "Answer | None") -> str:
    best, label = choice.best, "The best β of this sweep"
    if not best.finished:
        return page.answer(label, "No answer yet", [], cautions(choice))
    over = f"over {count(best.seeds, 'seed')}"
    if math.isfinite(best.spread):
        over += f", spread {fixed(best.spread, 3)}"
    tiles = [
        page.fact("Normalised β", number(best.beta_norm), "β · M / N"),
        page.fact("Latents M", str(best.latents)),
        page.fact(capital(facts.score_name), fixed(best.score, 3), over),
        page.fact("Reconstruction", fixed(best.reconstruction, 1), "nats an image"),
        *(page.fact(name, _text(value)) for name, value in best.parameters.items()),
    ]
    if answer is not None and answer.best.interval is not None:
        low, high = map(number, answer.best.interval)
        tiles.insert(0, page.fact(f"{answer.level:.0%} interval of β", f"{low} to {high}"))
    return page.answer(label, f"β = {number(best.beta)}", tiles, cautions(choice, answer))


def _certainty(answer: "Answer | None") -> str:
    if answer is None:
        return ""
    return page.section("How sure is this?", page.bullets(answer.best.sentences, "plain"))


def _per_latents(choice: Choice, facts: Facts, answer: "Answer | None") -> str:
    if not choice.best.finished:
        return ""
    intro = "Larger latent layers need more pressure (Higgins et al. 2017, Fig. 5)."
    several = len(choice.per_latents) > 1
    return page.section(
        "The best β of each latent size",
        _table_of(tuple(choice.per_latents.values()), choice, facts, answer=answer),
        intro=intro if several else "",
    )


def _settings(choice: Choice, facts: Facts) -> str:
    return page.section(
        "All settings",
        _table_of(choice.settings, choice, facts, sortable=True),
        intro="Best first; press a heading to sort.",
    )


def _table_of(
    settings: Sequence[SettingSummary],
    choice: Choice,
    facts: Facts,
    sortable: bool = False,
    answer: "Answer | None" = None,
) -> str:
    """Settings with their scores; with an `answer`, best ones with the interval of their beta."""
    parameters, others = list(choice.best.parameters), list(choice.best.others)
    sure = answer.per_latents if answer is not None else {}
    columns = [
        Column("M"),
        Column("β"),
        Column("normalised β"),
        *(Column(name, text=True) for name in parameters),
        *([Column(f"{answer.level:.0%} interval of β", text=True)] if answer else []),
        Column(facts.score_name, decimals=3),
        Column("spread over seeds", decimals=3),
        *(Column(metric_name(name), decimals=3) for name in others),
        Column("seeds"),
        Column("failed"),
        Column("reconstruction", decimals=1),
        Column("KL", decimals=1),
    ]
    rows = [
        Row(
            [
                str(setting.latents),
                setting.beta,
                setting.beta_norm,
                *(_text(setting.parameters.get(name)) for name in parameters),
                *([_interval(sure, setting.latents)] if answer else []),
                setting.score,
                setting.spread,
                *(setting.others.get(name, math.nan) for name in others),
                str(setting.seeds),
                str(setting.failed or ""),
                setting.reconstruction,
                setting.kl,
            ],
            best=setting is choice.best,
        )
        for setting in settings
    ]
    return page.table(columns, rows, sortable)


def _interval(sure: "Mapping[int, Best]", latents: int) -> str:
    interval = sure[latents].interval if latents in sure else None
    if interval is None:
        return "–"
    low, high = map(number, interval)
    return f"{low} to {high}"


def _paper(facts: Facts) -> str:
    if not facts.paper:
        return ""
    columns = [Column("", text=True), *map(Column, ("here, %", "paper, %", "difference"))]
    return page.section(
        "Beside the paper",
        page.table(columns, [Row(line.cells) for line in facts.paper]),
        intro="Disentanglement metric accuracy, worse half of the scores discarded, ± their "
        "standard deviation (Higgins et al. 2017, Fig. 5 and A.4).",
    )


def _traversals(images: Sequence[str]) -> str:
    if not images:
        return ""
    return page.section(
        "What the latents do",
        *images,
        intro="Each row moves one latent from −3 to 3. In a disentangled model one thing changes "
        "in each live row, and nothing in the others.",
    )


def _failures(rows: Sequence[RunRow]) -> str:
    failed = [row for row in rows if row.state == "failed"]
    if not failed:
        return ""
    columns = [Column("M"), Column("β"), Column("seed"), Column("why", text=True, wide=True)]
    columns.append(Column("run", text=True))
    table_rows = [
        Row([str(row.latents), row.beta, str(row.seed), row.reason or "not recorded", row.run])
        for row in failed
    ]
    return page.section(count(len(failed), "failed run"), page.table(columns, table_rows))


def _scoring(choice: Choice, facts: Facts) -> str:
    better = "Higher is better." if choice.goal == "maximize" else "Lower is better."
    return page.section(
        "How the score is made",
        page.paragraph(f"{choice.policy_words} {better}"),
        page.paragraph(
            "The spread is the standard deviation over seeds of their mean score. Normalised β is "
            "β · M / N, with N the number of pixels times channels (Higgins et al. 2017, A.5)."
        ),
        page.definitions(facts.scoring),
    )


def _reproduction(facts: Facts) -> str:
    parts = [page.preformatted(text) for text in (facts.command, facts.sweep_file) if text]
    if facts.versions:
        parts.append(page.definitions(facts.versions))
    return page.section("How to get the same answer", *parts) if parts else ""


def _title(figure: Figure) -> str:
    return figure.axes[0].get_title(loc="left")


def _text(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
