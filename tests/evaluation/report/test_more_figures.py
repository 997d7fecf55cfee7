"""Figures by name: what they hold, and what they say they lack."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evaluation.analysis.choose import choose
from evaluation.analysis.run_health import RunHealth
from evaluation.analysis.settings.names import setting_label
from evaluation.analysis.table import together
from evaluation.report.charts.axis import axis_of
from evaluation.report.charts.dimensions import dimensions
from evaluation.report.charts.specifications import charts
from evaluation.report.figures import FIGURES, IN_REPORT, style, training_curves
from evaluation.report.figures.latent_selectivity import (
    explained,
    mean_by,
    range_of,
    roles,
)
from evaluation.report.figures.rate_distortion import hull, slopes
from evaluation.report.figures.series import series_of
from evaluation.report.material import Lacking, Material
from evaluation.report.report import _axes
from tests.evaluation.analysis.sweeps_of_rows import inverted_u, row
from tests.evaluation.report.test_figures import lines
from trainer.run_files import HISTORY_FILE


def material(rows, **more) -> Material:
    return Material(rows, choose(rows), **more)


def of_objectives():
    return [
        row(beta, 10, seed, (0.5,), run=f"{name}-{beta}-{seed}", parameters={"objective": name})
        for name in ("beta_vae", "isa_vae", "beta_tcvae", "dip_vae_i")
        for beta in (1.0, 4.0)
        for seed in (0, 1)
    ]


def test_every_objective_is_a_named_line_in_the_legend():
    sweep = material(of_objectives())
    figure = FIGURES["inverted_u"](sweep).figure
    drawn = lines(figure, "settings")
    assert len(drawn) == 4
    said = {text.get_text() for text in figure.axes[0].get_legend().get_texts()}
    assert said == {"beta_vae", "isa_vae", "beta_tcvae", "dip_vae_i"}
    rows = [
        text.get_text()
        for text in FIGURES["beta_latents_map"](sweep).figure.axes[0].get_yticklabels()
    ]
    assert set(rows) == said


def test_where_beta_stays_the_axis_is_what_varies():
    name = "likelihood_options.variance"
    rows = [
        row(1.0, 10, seed, (0.5,), run=f"{v}-{seed}", parameters={name: v})
        for v in (0.001, 0.01, 0.1)
        for seed in (0, 1)
    ]
    choice = choose(rows)
    axis = axis_of(choice)
    assert (axis.parameter, axis.label) == (name, "σ²")
    assert [dim.title for dim in _axes(dimensions(rows))] == [
        "σ²"
    ]  # not one vertical line at β = 1
    assert [chart.name for chart in charts(choice, "score")] == ["inverted-u"]  # other units
    (line,) = series_of(choice, axis)
    assert [axis(setting) for setting in line.settings] == [0.001, 0.01, 0.1]
    (drawn,) = lines(FIGURES["inverted_u"](material(rows)).figure, "settings")
    assert drawn[:, 0] == pytest.approx([0.001, 0.01, 0.1])


def test_the_slope_between_neighbours_is_what_a_nat_buys():
    # G = 10 log KL: its slope, 10 / KL, is beta at the optimum
    rows = [
        row(beta, 10, 0, (0.5,), kl=10 / beta, reconstruction=10 * math.log(10 / beta))
        for beta in (1.0, 1.1, 1.21)
    ]
    found = slopes(choose(rows).settings)
    assert [beta for beta, _ in found] == pytest.approx([math.sqrt(1.1), 1.1 * math.sqrt(1.1)])
    assert [slope for _, slope in found] == pytest.approx([beta for beta, _ in found], rel=0.01)


def test_the_hull_leaves_out_what_is_worse():
    points = [(0.0, -10.0), (1.0, -4.0), (2.0, -5.0), (3.0, -2.0), (2.0, -3.5)]
    assert hull(points) == [(0.0, -10.0), (1.0, -4.0), (3.0, -2.0)]


def test_means_by_class_and_the_images_of_each():
    values = np.array([1.0, 3.0, 5.0, 9.0], np.float32)
    found = mean_by(values, np.array([0, 0, 1, -1]))
    assert found == pytest.approx([2.0, 5.0])
    plane, along, kinds = roles({"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32})
    assert (plane, along, kinds) == (["posX", "posY"], ["scale", "orientation"], "shape")
    assert roles({"digit": 10}) == ([], ["digit"], "")
    assert range_of(values, 0.04) == 9
    assert range_of(values / 1000, 0.04) == pytest.approx(0.2)  # a dead latent responds to nothing


def test_noise_follows_no_factor_however_few_the_labels():
    rng = np.random.default_rng(0)
    for images, classes in ((20, 10), (60, 10), (60, 2), (300, 32)):
        factor = rng.integers(classes, size=images)
        shares = [explained(rng.normal(size=images), factor) for _ in range(200)]
        assert np.mean(np.array(shares) > 0) < 0.01  # R² alone is 0.47 for 20 images
        found = explained(factor + 0.5 * factor.std() * rng.normal(size=images), factor)
        assert found == pytest.approx(0.8, abs=0.15)
    unknown = np.where(np.arange(300) % 5 == 0, factor, -1)
    assert explained(factor.astype(np.float32), unknown) == pytest.approx(1)
    assert explained(factor.astype(np.float32), np.full(300, -1)) == 0
    assert np.isnan(mean_by(np.ones(3, np.float32), np.full(3, -1))).all()


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_or_names_what_it_lacks(name):
    for rows in (inverted_u(failed={(64.0, 20, 0)}), of_objectives(), [row()], [row(scores=())]):
        try:
            drawn = FIGURES[name](material(rows))
        except Lacking as lacking:
            assert str(lacking)
            continue
        assert drawn.title and drawn.finding.endswith(".")
        assert style.content(drawn.figure, "svg").startswith(b"<?xml")


def test_the_report_shows_known_figures():
    assert set(IN_REPORT) <= set(FIGURES)


def test_collapsed_runs_are_counted_among_the_training_curves(tmp_path):
    (tmp_path / HISTORY_FILE).write_text('{"step": [0, 10], "reconstruction": [-9, -5]}')
    rows = [replace(r, health=RunHealth(collapsed=r.beta > 1)) for r in of_objectives()]
    drawn = FIGURES["training_curves"](material(rows, folder=lambda row: tmp_path))
    assert drawn.finding == "16 runs: 0 failed, 8 collapsed."
    assert sum(line.get_linestyle() == ":" for line in drawn.figure.axes[0].lines) == 8


P0 = "objective_options.p0"


def test_options_implied_by_an_objective_are_not_in_the_names_of_lines():
    rows = [
        row(
            beta,
            10,
            seed,
            (0.5,),
            run=f"{name}-{beta}-{seed}",
            parameters={"objective": name, **more},
        )
        for name, more in (("beta_vae", {P0: None}), ("isa_vae", {P0: 4}))
        for beta in (1.0, 4.0)
        for seed in range(2)
    ]
    choice = choose(together(rows))
    labels = [line.label for line in series_of(choice, axis_of(choice))]
    assert labels == ["beta_vae", "isa_vae"]
    assert {setting_label(s) for s in choice.settings} >= {"β 1, M 10, objective isa_vae"}
    assert together(rows)[-1].shared == {P0: 4}
    two = [replace(r, run=f"{r.run}-5", parameters={**r.parameters, P0: 5}) for r in rows[4:]]
    choice = choose(together([*rows, *two]))
    labels = [line.label for line in series_of(choice, axis_of(choice))]
    assert labels == ["beta_vae", "isa_vae, p0 = 4", "isa_vae, p0 = 5"]


def test_names_of_latents_leave_each_other_room():
    assert training_curves._apart(np.array([2.0, 0.5, 1.99, 0.005, 1.0]), 0.1) == [0, 4, 1]
