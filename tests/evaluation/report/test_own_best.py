"""Where the setting to use is not the metric's favourite, figures and page name and mark both."""

from dataclasses import replace

import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.report.charts import captions
from evaluation.report.charts.dimensions import dimensions
from evaluation.report.charts.specifications import data_of
from evaluation.report.figures import beta_latents_map, inverted_u, tradeoff
from evaluation.report.figures.low_best_high import bold
from evaluation.report.report import write_report
from tests.evaluation.analysis.sweeps_of_rows import inverted_u as made_up
from tests.evaluation.analysis.sweeps_of_rows import row
from tests.evaluation.report.test_figures import places, words

SCORES = {1.0: 0.6, 2.0: 0.949, 4.0: 0.951, 8.0: 0.6, 16.0: 0.4}
BOTH = "the metric's favourite, β = 4"


@pytest.fixture(scope="module")
def found():
    """The scores cannot tell β = 4 from β = 2, which reconstructs better."""
    rows = [
        replace(
            row,
            scores=(SCORES[row.beta] + 0.004 * row.seed,),
            reconstruction=-30 - row.beta,
        )
        for row in made_up(latents=(10,), betas=tuple(SCORES))
    ]
    result = answer(rows)
    assert result.best.beta == 2 and result.best.favourite.beta == 4
    return rows, result


def test_captions_name_both(found):
    choice = found[1].choice
    for said in (
        captions.of_inverted_u(choice, "score"),
        captions.of_tradeoff(choice, "score"),
    ):
        assert f"{BOTH}, scores 0.9" in said and "best setting" not in said
    assert captions.of_map(choice, "score").startswith("The setting to use is β 2, M 10, with")
    assert BOTH in captions.of_map(choice, "score")
    assert BOTH in bold(choice)


def test_figures_mark_both(found):
    rows, result = found
    own = result.best.favourite
    drawn = {
        inverted_u.draw(rows, result.choice, result): (own.beta_norm, own.score),
        tradeoff.draw(rows, result.choice): (own.reconstruction, own.mean),
        beta_latents_map.draw(rows, result.choice): (own.beta_norm, 0.12),
    }
    for figure, place in drawn.items():
        assert places(figure, "own best").tolist() == [pytest.approx(place)]
        assert BOTH in words(figure)


def test_this_holds_where_only_one_latent_size_has_two(found):
    rows, result = found
    own = result.choice.favourite
    choice = replace(result.choice, favourites={10: own})
    for module in (inverted_u, beta_latents_map):
        figure = module.draw(rows, choice)
        assert len(places(figure, "own best")) == 1
        assert "the metric's favourite, where it differs" in words(figure)


def test_the_page_does_too(found, tmp_path):
    rows, result = found
    html = write_report(rows, result.choice, tmp_path, name="a", answer=result).read_text("utf-8")
    for said in ("The β to use", "The metric's favourite", f"the dashed ring, {BOTH}"):
        assert said.replace("'", "&#39;") in html
    settings = data_of(rows, result.choice, result, dimensions(rows))["settings"]
    assert [s["beta"] for s in settings if s["own_best"]] == [4]


def test_where_they_coincide_nothing_is_added():
    rows = made_up(latents=(10,))
    for choice in (choose(rows), answer(rows).choice):
        assert choice.favourite is None
        assert captions.of_rings(choice) == "best setting"
        assert not len(places(inverted_u.draw(rows, choice), "own best"))


def test_another_setting_is_named_by_the_one_choice_in_which_it_differs():
    best, gamma, both = (
        choose([row(beta, 10, 0, parameters={"objective_options.gamma": value})]).best
        for beta, value in ((1.0, 1.0), (1.0, 5.0), (4.0, 5.0))
    )
    assert captions.label_beside(gamma, best) == "γ = 5"
    assert captions.label_beside(both, gamma) == "β = 4"
    assert captions.label_beside(both, best) == "β 4, M 10, γ 5"
