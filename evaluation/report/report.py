"""The report of a sweep: one page with the answer first, then the reasons, plus its figures."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import value_text
from evaluation.analysis.table import RunRow
from evaluation.report import answer_card, answer_tables, contents, pictures
from evaluation.report.changes import changes, summary
from evaluation.report.charts import captions, library
from evaluation.report.charts.dimensions import Dimension, dimensions
from evaluation.report.charts.specifications import Chart, charts, data_of
from evaluation.report.facts import SweepFacts
from evaluation.report.figures import beta_latents_map, inverted_u, style, tradeoff
from evaluation.report.figures import traversals as traversal_grid
from evaluation.report.material import Drawn
from evaluation.report.page_sample import ALL_RUNS, OnPage, as_csv, on_page
from evaluation.report.pictures import Picture
from evaluation.report.traversals import Traversal
from trainer.files import write_atomically, write_json

if TYPE_CHECKING:
    from evaluation.analysis.answer import Answer

PAGE, SUMMARY = "index.html", "summary.json"
INCH = 106  # CSS pixels per inch of a figure: 9.6 inches fill the page
SCRIPTS = ("explore.js", "tables.js", "slider.js")
STILLS = {"inverted-u": "inverted_u", "map": "beta_latents_map", "tradeoff": "tradeoff"}


def write_report(
    rows: Sequence[RunRow],
    choice: Choice,
    folder: str | Path,
    *,
    name: str,
    traversals: Sequence[Traversal] = (),
    facts: SweepFacts | None = None,
    answer: "Answer | None" = None,
    figures: Iterable[tuple[str, Drawn]] = (),
    run_pictures: Iterable[tuple[str, bytes]] = (),
    previous: Mapping[str, Any] | None = None,
) -> Path:
    """Writes figures as PNG files and one page with all; returns its path, `folder/index.html`.

    Every file is written atomically, the page last. The page is self-contained: it needs no network
    and no other file. If there are very many runs, it shows a sample (`on_page`); runs.csv has all.

    figures: more of them to show, by name (evaluation.report.figures.FIGURES).
    run_pictures: PNG traversals of single runs with their ids, most important first.
    previous: the summary.json of the previous report, for the changes.
    Raises UserError when the folder cannot be written to.

    Example:
        >>> rows = rows_from_results(results, evaluation_id)                # doctest: +SKIP
        >>> write_report(rows, choose(rows), "report", name="dsprites-beta")  # doctest: +SKIP
    """
    folder, facts = Path(folder), facts or SweepFacts()
    drawn = _draw(rows, choice, traversals, facts, answer)
    for stale in folder.glob("traversals_*.png"):
        stale.unlink()
    images = {}
    for stem, figure in drawn.items():
        png = style.png(figure)
        write_atomically(folder / f"{stem}.png", png)
        images[stem] = pictures.png(png, _title(figure), round(figure.get_figwidth() * INCH))
    more = [_section(folder, stem, drawn) for stem, drawn in figures]
    now = summary(choice)
    dims = dimensions(rows)
    page = on_page(rows, choice)
    shown = charts(choice, facts.score_name)
    html = _template().render(
        name=name,
        about=contents.about(rows, choice, facts),
        answer=answer_card.answer_card(choice, facts, answer),
        answer_tables=answer_tables.answer_tables(answer),
        cautions=answer_card.cautions(choice, answer),
        certainty=answer_card.certainty(answer),
        changes=changes(previous, now),
        per_latents=contents.per_latents(choice, facts, answer),
        left_out=page.note,
        settings=contents.all_settings(page.choice, facts),
        runs=contents.all_runs(page.rows, facts),
        failures=contents.failures(rows),
        paper=contents.paper(facts),
        scoring=contents.scoring(choice),
        facts=facts,
        charts=shown,
        rings=captions.of_rings(choice),
        axes=_axes(dims),
        colours=_colours(dims),
        filters=[dim for dim in dims if dim.is_filter and dim.field not in ("beta", "beta_norm")],
        still=_stills(images, shown),
        traversals=[
            pictures.slider(one, images[f"traversals_{i}"])
            for i, one in enumerate(traversals, start=1)
        ],
        figures=more,
        data=_json(_data(name, page, answer, dims, shown, facts, run_pictures)),
        css=_part("report.css"),
        library=Markup(library.script().replace("</script", r"<\/script")),
        scripts=[_part(script) for script in SCRIPTS],
    )
    write_atomically(folder / ALL_RUNS, as_csv(rows).encode("utf-8"))
    write_json(folder / SUMMARY, now)
    write_atomically(folder / PAGE, html.encode("utf-8"))
    return folder / PAGE


def _draw(
    rows: Sequence[RunRow],
    choice: Choice,
    traversals: Sequence[Traversal],
    facts: SweepFacts,
    answer: "Answer | None",
) -> dict[str, Figure]:
    names = {"score_name": facts.score_name}
    drawn = {
        "inverted_u": inverted_u.draw(rows, choice, answer, **names),
        "beta_latents_map": beta_latents_map.draw(rows, choice, **names),
        "tradeoff": tradeoff.draw(rows, choice, **names),
    }
    for position, traversal in enumerate(traversals, start=1):
        drawn[f"traversals_{position}"] = traversal_grid.draw(traversal)
    return drawn


def _section(folder: Path, stem: str, drawn: Drawn) -> dict[str, Any]:
    """A figure with its heading, and its file in the folder."""
    png = style.png(drawn.figure)
    write_atomically(folder / f"{stem}.png", png)
    width = round(drawn.figure.get_figwidth() * INCH)
    picture = pictures.png(png, drawn.finding, width)
    return {"title": drawn.title, "finding": drawn.finding, "picture": picture}


def _stills(images: Mapping[str, Picture], shown: Sequence[Chart]) -> dict[str, Picture | None]:
    """The static replacement of each chart, for when scripts do not run."""
    return {chart.name: images.get(STILLS.get(chart.name, "")) for chart in shown}


def _axes(dims: Sequence[Dimension]) -> list[Dimension]:
    """The dimensions for axes: those that vary, beta first. M counts as one if beta is fixed."""
    varied = [dim for dim in dims if dim.field != "seed" and len(dim.values) > 1]
    names = {dim.field for dim in varied}
    if "beta" not in names:  # then beta_norm is M
        varied = [dim for dim in varied if dim.field != "beta_norm"]
    return varied or [dims[0]]


def _colours(dims: Sequence[Dimension]) -> list[Dimension]:
    """The dimensions for colours: those with few values first, beta only if there is no other."""
    able = [dim for dim in dims if dim.field not in ("beta_norm", "seed") and len(dim.values) > 1]
    nominal = [dim for dim in able if dim.kind == "nominal"]
    latents = [dim for dim in able if dim.field == "latents"]
    rest = [dim for dim in able if dim not in (*nominal, *latents)]
    return [*nominal, *latents, *rest] or [dims[2]]


def _data(
    name: str,
    page: OnPage,
    answer: "Answer | None",
    dims: Sequence[Dimension],
    shown: Sequence[Chart],
    facts: SweepFacts,
    run_pictures: Iterable[tuple[str, bytes]],
) -> dict[str, Any]:
    """All data that the page's scripts read."""
    data = data_of(page.rows, page.choice, answer, dims)
    return {
        "name": name,
        "data": data,
        "dimensions": [
            {"field": d.field, "x": d.x, "colour": d.colour, "shape": d.shape} for d in dims
        ],
        "charts": [asdict(chart) for chart in shown],
        "tooltips": contents.tooltips(dims, facts),
        "config": CONFIG,
        "mlflow": {row.run: facts.mlflow[row.run] for row in page.rows if row.run in facts.mlflow},
        "pictures": pictures.small_copies(run_pictures),
    }


GREY = "rgba(128, 128, 128, 0.28)"  # works on dark and light backgrounds
TEXT = {"labelColor": "currentColor", "titleColor": "currentColor"}
CONFIG: dict[str, Any] = {
    "font": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **TEXT,
        "labelOverlap": "greedy",
        "tickCount": 10,  # else linear axes have a line per nat
        "labelSeparation": 8,
        "gridColor": GREY,
        "domainColor": GREY,
        "tickColor": GREY,
        "labelFontSize": 12,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
    },
    "legend": {**TEXT, "orient": "top", "labelFontSize": 12, "titleFontSize": 12.5, "columns": 6}
    | {"symbolOpacity": 1},
    "rule": {"color": "#888888"},
}


def _json(value: Any) -> Markup:
    """JSON that is safe inside an HTML element: nothing in it can close one."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))


def _part(name: str) -> Markup:
    return Markup(files(__package__).joinpath("template", name).read_text("utf-8"))


def keys_as_code(sentence: str) -> Markup:
    """HTML of a sentence for the terminal: what stands in backticks, such as keys, is code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("evaluation.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = value_text
    environment.filters["keys"] = keys_as_code
    return environment.get_template("report.html")


def _title(figure: Figure) -> str:
    return figure.axes[0].get_title(loc="left")
