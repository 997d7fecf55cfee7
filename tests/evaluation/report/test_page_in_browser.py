"""The report in a real browser: charts, filters, tables and traversals do what they say."""

import dataclasses
import re

import pytest
from playwright.sync_api import expect

from evaluation.analysis.conclude import answer
from evaluation.report.facts import SweepFacts
from evaluation.report.report import write_report
from tests.browser import Opened, browser
from tests.evaluation.analysis.sweeps_of_rows import inverted_u
from tests.evaluation.report.test_figures import grid

FAILED = {(64.0, 20, 0)}
CHARTS = ("inverted-u", "map", "tradeoff", "rate")


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of a sweep of three latent sizes, 27 settings and 108 runs, one of them failed."""
    rows = inverted_u(failed=FAILED)
    found = answer(rows)
    return write_report(
        rows,
        found.choice,
        tmp_path_factory.mktemp("report"),
        name="in-a-browser",
        facts=SweepFacts(
            "Higgins score", mlflow={row.run: f"http://mlflow/#/{row.run}" for row in rows}
        ),
        traversals=[grid()],
        answer=found,
    )


@pytest.fixture
def opened(chromium, report):
    found = Opened(chromium, report, viewport={"width": 1280, "height": 900})
    found.page.wait_for_selector("#rate svg.marks")
    yield found
    found.page.close()


def marks(page, chart: str) -> int:
    return page.locator(f"#{chart} g.mark-symbol path").count()


def test_every_chart_is_drawn_without_a_console_error_or_a_request(opened, report):
    for chart in CHARTS:
        assert opened.page.locator(f"#{chart} svg.marks").count() == 1
        said = opened.page.locator(f"#{chart} .chart-wrapper").get_attribute("aria-label")
        assert said and "β " in said  # the finding, for a screen reader
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [report.as_uri()]
    # runs, settings, the ring, the cross and the legend
    assert marks(opened.page, "inverted-u") == 107 + 27 + 1 + 1 + 3


def test_hovering_over_a_mark_names_its_run(opened):
    # the runs of the lowest score: no larger mark lies over them
    marks = opened.page.locator("#tradeoff g.mark-symbol").nth(0).locator("path")
    places = [marks.nth(i).bounding_box() for i in range(marks.count())]
    lowest = max(range(len(places)), key=lambda i: places[i]["y"])
    marks.nth(lowest).hover(force=True)
    tooltip = opened.page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    said = tooltip.inner_text()
    for name in ("run", "seed", "β", "latents M", "Higgins score"):
        assert name in said


def test_filters_take_runs_and_settings_out_of_charts_and_tables(opened):
    page = opened.page
    page.get_by_label("20", exact=True).uncheck()
    expect(page.locator("#map g.mark-symbol path")).to_have_count(19)
    assert page.locator("#shown").inner_text() == "72 of 108 runs shown"
    settings = page.locator("table.sortable").first.locator("tbody tr:visible")
    assert settings.count() == 18
    page.locator("fieldset[data-field=seed]").get_by_label("3", exact=True).uncheck()
    assert page.locator("#shown").inner_text() == "54 of 108 runs shown"


def test_another_axis_is_a_choice(opened):
    page = opened.page
    page.locator("#x").select_option("beta")
    expect(page.locator("#inverted-u text", has_text=re.compile("^β$"))).to_have_count(1)
    assert opened.complaints == []


def test_a_table_sorts_by_its_heading_from_the_keyboard(opened):
    page = opened.page
    table = page.locator("table.sortable").first
    page.get_by_role("button", name="reconstruction", exact=True).first.focus()
    page.keyboard.press("Enter")
    values = table.locator("tbody tr td:nth-last-child(2)").all_inner_texts()
    numbers = [float(value.replace("−", "-")) for value in values]
    assert numbers == sorted(numbers, reverse=True)
    page.keyboard.press("Enter")
    values = table.locator("tbody tr td:nth-last-child(2)").all_inner_texts()
    assert [float(value.replace("−", "-")) for value in values] == sorted(numbers)


def test_a_run_opens_from_its_name_and_closes_with_escape(opened):
    page = opened.page
    page.get_by_text("All runs").click()
    page.locator("button.run").first.press("Enter")
    dialog = page.get_by_role("dialog")
    assert "Run run-0.25-5-0" in dialog.inner_text()
    assert dialog.get_by_role("link").get_attribute("href") == "http://mlflow/#/run-0.25-5-0"
    assert "in the store: runs/run-0.25-5-0/traversal.png" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_slider_moves_every_latent(opened):
    page = opened.page
    pixels = "[...document.querySelectorAll('.slider canvas')].map(c => c.toDataURL())"
    expect(page.locator(".slider output")).not_to_be_empty()
    before = page.evaluate(pixels)
    page.locator(".slider input").press("ArrowRight")
    after = page.evaluate(pixels)
    assert len(before) == 3 and all(a != b for a, b in zip(before, after, strict=True))


def test_it_fits_a_phone_in_dark_mode(chromium, report):
    found = Opened(chromium, report, viewport={"width": 390, "height": 800}, color_scheme="dark")
    found.page.wait_for_selector("#rate svg.marks")
    assert found.page.evaluate("document.documentElement.scrollWidth") == 390
    ground = found.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, ground.removeprefix("rgb(").rstrip(")").split(","))) < 150
    assert found.complaints == []
    found.page.close()


def test_without_scripts_there_are_pictures(chromium, report):
    found = Opened(chromium, report, java_script_enabled=False)
    assert found.page.locator("noscript img").count() == 3
    assert not found.page.locator(".controls").is_visible()
    found.page.close()


def test_four_objectives_are_four_colours(chromium, tmp_path):
    rows = [
        dataclasses.replace(row, run=f"{row.run}-{name}", parameters={"objective.name": name})
        for name in ("beta_vae", "beta_tcvae", "isa_vae", "isa_tcvae")
        for row in inverted_u(latents=(10,), betas=(1.0, 4.0), seeds=2)
    ]
    found = answer(rows)
    page = write_report(rows, found.choice, tmp_path, name="four", answer=found)
    found = Opened(chromium, page)
    found.page.wait_for_selector("#rate svg.marks")
    assert found.complaints == []
    said = found.page.locator("#inverted-u svg.marks").text_content()
    for name in ("objective", "beta_vae", "beta_tcvae", "isa_vae", "isa_tcvae"):
        assert name in said
    drawn = found.page.locator("#inverted-u g.mark-line path")
    assert len({drawn.nth(i).get_attribute("stroke") for i in range(drawn.count())}) == 4
    found.page.close()
