"""log p(x|z) under different likelihoods never shares an axis, nor a sentence."""

from dataclasses import replace

import matplotlib.pyplot as plt
import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.report.charts import captions, specifications
from evaluation.report.charts.dimensions import dimensions
from evaluation.report.figures import tradeoff
from tests.evaluation.analysis.sweeps_of_rows import inverted_u


@pytest.fixture(scope="module")
def rows():
    """Two likelihoods: the worse scoring one has densities, which lie hundreds of nats higher."""
    plain = inverted_u(latents=(10,))
    learned = [
        replace(row, run=f"g-{row.run}", scores=tuple(s - 0.1 for s in row.scores)) for row in plain
    ]
    named = [(row, "bernoulli") for row in plain] + [(row, "gaussian_learned") for row in learned]
    return [
        replace(
            row,
            parameters={"likelihood.name": name},
            reconstruction=row.reconstruction + 900 * (name != "bernoulli"),
        )
        for row, name in named
    ]


def test_figures_show_those_that_can_be_compared_with_the_best(rows):
    choice = choose(rows)
    figure = tradeoff.draw(rows, choice)
    seeds = next(c for c in figure.axes[0].collections if c.get_gid() == "seeds")
    assert len(seeds.get_offsets()) == len(rows) / 2
    assert max(x for x, _ in seeds.get_offsets()) < 0
    said = " ".join(text.get_text() for text in figure.texts)
    assert "Not shown: 9 settings under other likelihoods, in other units." in said
    assert "Without a reconstruction" not in said
    plt.close(figure)


def test_charts_of_the_page_have_no_place_for_the_others(rows):
    choice = choose(rows)
    data = specifications.data_of(rows, choice, answer(rows), dimensions(rows))
    for items in (data["runs"], data["settings"]):
        placed = [item["alike"] for item in items if "alike" in item]
        assert len(placed) == len(items) / 2 and max(placed) < 0


def test_findings_name_the_sharpest_of_the_same_likelihood(rows):
    choice = choose(rows)
    for said in (captions.of_tradeoff(choice, "score"), captions.of_rate(choice)):
        assert "gaussian_learned" not in said
        assert said.endswith("Not shown: 9 settings under other likelihoods, in other units.")
    alone = [row for row in rows if row.parameters["likelihood.name"] == "bernoulli"]
    assert "Not shown" not in captions.of_tradeoff(choose(alone), "score")
