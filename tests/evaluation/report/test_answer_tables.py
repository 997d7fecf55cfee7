"""The answer's small tables: good settings, factors, health."""

from dataclasses import replace

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.analysis.factors import Knowledge
from evaluation.analysis.run_health import RunHealth
from evaluation.report import contents
from evaluation.report.answer_card import answer_card
from evaluation.report.answer_tables import answer_tables
from evaluation.report.charts.captions import of_inverted_u
from evaluation.report.charts.specifications import charts
from evaluation.report.facts import SweepFacts
from evaluation.report.report import write_report
from tests.evaluation.analysis.sweeps_of_rows import inverted_u, row


def known(rows):
    """Rows whose models hold posX, and orientation at a beta below 2 alone; one collapsed."""
    found = []
    for each in rows:
        turned = 0.6 if each.beta < 2 else 0.01
        factors = {"posX": Knowledge(0.9, 0.8), "orientation": Knowledge(turned, turned / 2)}
        dead = each.beta == 4 and each.seed == 0
        health = RunHealth(live_latents=0 if dead else 5, collapsed=dead)
        found.append(replace(each, factors=factors, health=health))
    return found


def test_they_show_the_setting_to_use_its_factors_and_its_health():
    rows = known(inverted_u(latents=(10,), betas=(1.0, 4.0, 16.0, 64.0)))
    found = answer(rows)
    matters, factors, health = answer_tables(found)  # no other setting is as good
    assert found.best.beta == 4
    assert [list(r.cells) for r in factors.rows] == [
        ["posX", 0.9, 0.8, "yes"],
        ["orientation", 0.01, 0.005, "lost"],
    ]
    due = {r.cells[0]: r.cells[1] for r in matters.rows}
    assert due.keys() == {"β", "luck of the seed", "interactions"}
    assert due["β"] == f"{found.matters['beta']:.0%}"
    counts = {r.cells[0]: r.cells[1] for r in health.rows}
    assert counts["live latents of a typical run"] == "5 of 10"
    assert counts["collapsed: no live latent"] == "1 of 4"
    assert counts["diverged"] == "0 of 4"


def test_settings_that_are_as_good_are_listed_below_the_one_to_use():
    rows = [row(beta, 10, seed, (0.9,)) for beta in (1.0, 4.0, 16.0, 64.0) for seed in range(4)]
    good = answer_tables(answer(rows))[0]
    assert good.caption == "Probably within 0.01 of the best score"
    assert len(good.rows) == 4 and [r.best for r in good.rows] == [True, False, False, False]


def test_one_setting_has_no_best_beta_and_another_parameter_has_its_own_name():
    alone = answer([row(seed=seed) for seed in range(2)])
    card = answer_card(alone.choice, SweepFacts("Higgins score"), alone)
    assert (card.headline, card.verdict) == ("Higgins score 0.900", "")
    assert "interval" not in str(card.tiles) and charts(alone.choice, "score") == ()
    assert not any("interval" in said or said.startswith("Use") for said in alone.best.sentences)
    assert contents.per_latents(alone.choice, SweepFacts(), alone) is None
    rows = [
        row(1.0, 10, s, (v,), run=f"{v}{s}", parameters={"gamma": v})
        for v in (0.5, 0.9)
        for s in (0, 1)
    ]
    found = choose(rows)
    assert answer_card(found, SweepFacts(), None).headline == "γ = 0.9"
    said = of_inverted_u(found, "score")
    assert said.startswith("Score against γ:") and "0.500 at γ = 0.5" in said
    assert charts(found, "score")[0].title == "Score against γ"


def test_they_stand_with_the_certainty_and_the_lost_factors_in_the_answer(tmp_path):
    rows = known(inverted_u(latents=(10,), betas=(1.0, 4.0, 16.0, 64.0)))
    page = write_report(rows, choose(rows), tmp_path, name="a", answer=answer(rows))
    html = page.read_text("utf-8")
    card, sure = (
        html.split(f'id="{i}"')[1].split("</section>")[0] for i in ("answer", "certainty")
    )
    for said in ("Factors kept", "1 of 2", "lost: orientation", "Clear: with probability"):
        assert said in card
    for said in ("orientation", "lost", "5 of 10", "1 of 4"):
        assert said in sure


def test_tables_of_settings_and_runs_have_them_too():
    rows = known(inverted_u(latents=(10,), betas=(1.0, 4.0, 16.0, 64.0)))
    for table in (
        contents.all_settings(choose(rows), SweepFacts()),
        contents.all_runs(rows, SweepFacts()),
    ):
        places = {column.heading: i for i, column in enumerate(table.columns)}
        at_4 = next(row.cells for row in table.rows if 4.0 in row.cells)
        assert at_4[places["orientation known"]] == 0.01
        assert at_4[places["live latents"]] in ("0", "5")
    assert at_4[places["health"]] == "collapsed"


def test_without_labels_or_without_a_best_there_are_fewer():
    captions = [table.caption for table in answer_tables(answer(inverted_u(latents=(10,))))]
    assert [caption.split()[0] for caption in captions] == ["Probably", "Where", "Health"]
    assert answer_tables(None) == answer_tables(answer([row(scores=())])) == []
