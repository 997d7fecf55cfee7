"""The small tables of the answer: equally good settings, the code's knowledge, its health."""

import math
from typing import TYPE_CHECKING

from evaluation.analysis.formatting import number, value_text
from evaluation.analysis.inference.variance_shares import named
from evaluation.report.charts.dimensions import title_of
from evaluation.report.tables import Column, Row, Table

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer, Best

MAX_ROWS = 8  # of good settings; the table of all settings has the rest
HEALTH = {
    "collapsed": "collapsed: no live latent",
    "diverged": "diverged",
    "unconverged": "loss still falling at the end",
    "worse_than_mean_image": "reconstructs no better than the mean image",
}


def answer_tables(answer: "Answer | None") -> list[Table]:
    """The non-empty tables on the setting to use, if there is one."""
    if answer is None or answer.best.run is None:
        return []
    found = (_good(answer), _matters(answer), _factors(answer.best), _health(answer.best))
    return [table for table in found if table.rows]


def _good(answer: "Answer") -> Table:
    """The settings more likely than not within `within` of the best, the one to use first."""
    best = answer.best
    here = {id(standing.setting): standing for standing in answer.standings}
    settings = [best.setting, *(s for s in best.good if s is not best.setting)] if best.good else []
    parameters = list(best.parameters)
    if len(settings) == 1:
        return Table("", (), ())  # the setting to use is shown above
    caption = f"Probably within {number(best.within)} of the best score"
    if len(settings) > MAX_ROWS:
        caption += f" ({MAX_ROWS} of {len(settings)})"
    columns = [
        Column("β"),
        Column("M"),
        *(Column(title_of(name, parameters), text=True) for name in parameters),
        Column("probability", decimals=2),
        Column("mean score", decimals=3),
    ]
    rows = [
        Row(
            [
                setting.beta,
                str(setting.latents),
                *(value_text(setting.parameters.get(name)) for name in parameters),
                here[id(setting)].probability_within if id(setting) in here else math.nan,
                setting.mean,
            ],
            best=setting is best.setting,
        )
        for setting in settings[:MAX_ROWS]
    ]
    return Table(caption, columns, rows)


def _matters(answer: "Answer") -> Table:
    """How much of the variance of the score is due to each parameter, and to luck."""
    rows = [Row([name, f"{share:.0%}"]) for name, share in named(answer.matters).items()]
    columns = [Column("source", text=True), Column("share")]
    return Table("Where the variance of the score comes from", columns, rows)


def _factors(best: "Best") -> Table:
    """How much the setting's models know about each labelled factor."""
    columns = [
        Column("factor", text=True),
        Column("whole code", decimals=2),
        Column("best latent", decimals=2),
        Column("kept", text=True),
    ]
    rows = [
        Row([name, each.known, each.best_latent, "yes" if each.encoded else "lost"])
        for name, each in best.factors.items()
    ]
    return Table("How much its code knows about each factor (0: chance, 1: all)", columns, rows)


def _health(best: "Best") -> Table:
    """Live latents of a typical run of the setting, and how many of its runs are unhealthy."""
    health = best.health
    rows = [Row([name, f"{getattr(health, key)} of {health.runs}"]) for key, name in HEALTH.items()]
    if health.live_latents is not None:
        live = f"{health.live_latents} of {best.latents}"
        rows.insert(0, Row(["live latents of a typical run", live]))
    return Table("Health of its runs", [Column("property", text=True), Column("value")], rows)
