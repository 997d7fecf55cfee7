"""The content of the report's tables and lists, from a sweep's rows and its answer."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import count, metric_name, number, value_text
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import RunRow
from evaluation.baselines.table import cells, title
from evaluation.report.charts.dimensions import Dimension, title_of
from evaluation.report.charts.keys import setting_key
from evaluation.report.facts import SweepFacts
from evaluation.report.page_sample import FAILURES
from evaluation.report.tables import Column, Row, Table
from trainer.live_latents import LIVE

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer, Best


def about(rows: Sequence[RunRow], choice: Choice, facts: SweepFacts) -> str:
    """One line on the size of the sweep."""
    sizes = [count(len(choice.settings), "setting"), count(len(rows), "run")]
    if choice.failed:
        sizes.append(f"{choice.failed} failed")
    return " · ".join([*([facts.data] if facts.data else []), *sizes])


def per_latents(choice: Choice, facts: SweepFacts, answer: "Answer | None") -> Table | None:
    """The best setting per latent size, with the interval of its beta; None for a fixed beta or a
    single latent size, whose best is the answer."""
    betas = {setting.beta for setting in choice.settings}
    if not choice.best.finished or len(betas) == 1 or len(choice.per_latents) == 1:
        return None
    settings = tuple(choice.per_latents.values())
    return _settings("The best β for each latent size", settings, choice, facts, answer=answer)


def all_settings(choice: Choice, facts: SweepFacts) -> Table:
    """Every setting, best first."""
    return _settings("All settings", choice.settings, choice, facts, sortable=True)


def _settings(
    caption: str,
    settings: Sequence[SettingSummary],
    choice: Choice,
    facts: SweepFacts,
    sortable: bool = False,
    answer: "Answer | None" = None,
) -> Table:
    parameters, others = list(choice.best.parameters), list(choice.best.others)
    factors = _factors(choice.settings) if sortable else []
    sure = answer.per_latents if answer is not None else {}
    columns = [
        Column("M"),
        Column("β"),
        Column("normalised β"),
        *(Column(title_of(name, parameters), text=True) for name in parameters),
        *([Column(f"{answer.level:.0%} interval of β", text=True)] if answer else []),
        Column(facts.score_name, decimals=3),
        Column("spread over seeds", decimals=3),
        *(Column(metric_name(name), decimals=3) for name in others),
        Column("seeds"),
        *([Column("failed")] if choice.failed else []),
        Column("reconstruction", decimals=1),
        Column("KL", decimals=1),
        *_knowledge_columns(factors),
        *([Column("live latents")] if sortable else []),
    ]
    rows = [
        Row(
            [
                str(setting.latents),
                setting.beta,
                setting.beta_norm,
                *(value_text(setting.parameters.get(name)) for name in parameters),
                *([_interval(sure, setting.latents)] if answer else []),
                setting.score,
                setting.spread,
                *(setting.others.get(name, math.nan) for name in others),
                str(setting.seeds),
                *([str(setting.failed or "")] if choice.failed else []),
                setting.reconstruction,
                setting.kl,
                *_knowledge(setting, factors),
                *([_live(setting.health.live_latents)] if sortable else []),
            ],
            best=setting is choice.best,
            key=setting_key(setting) if sortable else "",
        )
        for setting in settings
    ]
    return Table(caption, columns, rows, sortable)


def all_runs(rows: Sequence[RunRow], facts: SweepFacts) -> Table:
    """Every run, by setting and seed; a run's name opens its traversals."""
    parameters, factors = list(rows[0].parameters) if rows else [], _factors(rows)
    columns = [
        Column("run", text=True, run=True),
        Column("M"),
        Column("β"),
        *(Column(title_of(name, parameters), text=True) for name in parameters),
        Column("seed"),
        Column("state", text=True),
        Column(facts.score_name, decimals=3),
        Column("reconstruction", decimals=1),
        Column("KL", decimals=1),
        *_knowledge_columns(factors),
        Column("live latents"),
        Column("health", text=True),
    ]
    found = [
        Row(
            [
                row.run,
                str(row.latents),
                row.beta,
                *(value_text(row.parameters.get(name)) for name in parameters),
                str(row.seed),
                row.state,
                row.score,
                row.reconstruction,
                row.kl,
                *_knowledge(row, factors),
                _live(row.health.live_latents),
                ", ".join(word for key, word in UNHEALTHY.items() if getattr(row.health, key)),
            ],
            key=row.run,
        )
        for row in rows
    ]
    return Table("All runs", columns, found, sortable=True)


UNHEALTHY = {
    "collapsed": "collapsed",
    "diverged": "diverged",
    "unconverged": "loss still falling",
    "worse_than_mean_image": "no better than the mean image",
}


def _factors(items: Sequence[RunRow] | Sequence[SettingSummary]) -> list[str]:
    return list(dict.fromkeys(name for item in items for name in item.factors))


def _knowledge_columns(factors: Sequence[str]) -> list[Column]:
    """A column per factor whose knowledge was measured."""
    return [Column(f"{name} known", decimals=2) for name in factors]


def _knowledge(item: RunRow | SettingSummary, factors: Sequence[str]) -> list[float]:
    """The cells of `_knowledge_columns`: 0 is chance, 1 all that labels can show."""
    known = item.factors
    return [known[name].known if name in known else math.nan for name in factors]


def _live(latents: int | None) -> str:
    return "–" if latents is None else str(latents)


def failures(rows: Sequence[RunRow]) -> Table | None:
    """Runs that failed, and why; if there are very many, the first ones."""
    failed = [row for row in rows if row.state == "failed"]
    if not failed:
        return None
    listed = failed[:FAILURES]
    columns = [Column("M"), Column("β"), Column("seed"), Column("why", text=True, wide=True)]
    columns.append(Column("run", text=True))
    found = [
        Row([str(row.latents), row.beta, str(row.seed), row.reason or "not recorded", row.run])
        for row in listed
    ]
    caption = count(len(failed), "failed run")
    if len(listed) < len(failed):
        caption += f"; the first {len(listed)} are listed"
    return Table(caption, columns, found)


def paper(facts: SweepFacts) -> Table | None:
    """The rows of the paper's table, next to the paper's own scores."""
    if not facts.paper:
        return None
    headings, *rows = cells(facts.paper)
    columns = [Column(name, text=name in ("", "note"), wide=name == "note") for name in headings]
    return Table(title(facts.paper), columns, [Row(row) for row in rows])


def scoring(choice: Choice) -> list[str]:
    """How a setting's score is computed, in sentences."""
    better = "Higher is better." if choice.goal == "maximize" else "Lower is better."
    return [
        f"{choice.policy_words} {better}",
        "The spread is the standard deviation over seeds of their mean score. Normalised β is "
        "β · M / N, with N the number of pixels times channels (Higgins et al. 2017, A.5).",
        f"A latent is live if it carries more than {LIVE} nats, by its KL and by what its samples "
        "say about the image; a model without a live latent has collapsed.",
    ]


def tooltips(dims: Sequence[Dimension], facts: SweepFacts) -> dict[str, list[dict[str, Any]]]:
    """Tooltips of marks as Vega-Lite channels: for runs and for settings."""
    swept = [
        {"field": dim.field, "title": dim.title}
        | ({} if dim.kind == "nominal" else {"format": ".4~g"})
        for dim in dims
        if dim.field not in ("beta_norm", "seed")
    ]
    figures = [
        {"field": "score", "title": facts.score_name, "format": ".4f"},
        {"field": "reconstruction", "title": "reconstruction", "format": ".2f"},
        {"field": "kl", "title": "KL", "format": ".2f"},
    ]
    run = [{"field": "run", "title": "run"}, {"field": "seed", "title": "seed"}]
    of_run = [*run, *swept, *figures, {"field": "reason", "title": "failed"}]
    counted = [{"field": "seeds", "title": "seeds"}, {"field": "failed", "title": "failed"}]
    spread = {"field": "spread", "title": "spread over seeds", "format": ".4f"}
    return {"run": of_run, "setting": [*swept, *figures, spread, *counted]}


def _interval(sure: "Mapping[int, Best]", latents: int) -> str:
    interval = sure[latents].interval if latents in sure else None
    if interval is None:
        return "–"
    low, high = map(number, interval)
    return f"{low} to {high}"
