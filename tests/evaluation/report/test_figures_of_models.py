"""Figures drawn from models that were really trained: what they find in their files."""

import dataclasses

import numpy as np
import pytest

from evaluation import evaluate
from evaluation.analysis.choose import choose
from evaluation.analysis.table import rows_from_results
from evaluation.report.figures import FIGURES, style
from evaluation.report.figures.around_the_code import moved
from evaluation.report.figures.noise import variance
from evaluation.report.figures.plane_of_codes import classes_of
from evaluation.report.material import Lacking, Material
from tests.evaluation.report.test_figures import places
from tests.evaluation.trained import config, sprites, train_in

QUICK = {"mig": {"points": 300}, "indicators": {"points": 200}}
ISA = {"objective": "isa_vae", "objective_options": {"subspaces": 2, "exponents": "learned"}}


def of(configs, folder) -> Material:
    data = sprites()
    folders = train_in(folder, *configs)
    found = evaluate(folders, data, QUICK, "cpu")
    identity = next(iter(found[0]["evaluations"]))
    results = [
        result | {"folder": str(folder), "evaluation": identity}
        for result, folder in zip(found, folders, strict=True)
    ]
    rows = rows_from_results(results, identity, "mig")
    return Material(rows, choose(rows), data=data, results={r["run"]: r for r in results})


@pytest.fixture(scope="module")
def noisy(tmp_path_factory) -> Material:
    """Four models that learned their noise, at two β."""
    own = {"likelihood": "gaussian_learned", "latents": 2}
    configs = [config(seed=seed, beta=beta, **own) for beta in (1.0, 8.0) for seed in (0, 1)]
    return of(configs, tmp_path_factory.mktemp("noisy"))


def test_the_noise_that_was_learned_is_in_the_result_and_in_its_figure(noisy):
    found = [variance(noisy, row) for row in noisy.rows]
    assert all(0 < level < 1 for level in found)
    drawn = places(FIGURES["noise"](noisy).figure, "seeds")
    both = [*found, *(row.beta * level for row, level in zip(noisy.rows, found, strict=True))]
    assert sorted(drawn[:, 1]) == pytest.approx(sorted(both))


def test_what_a_result_lacks_is_completed_from_the_model(noisy):
    row = noisy.rows[0]
    told = noisy.learned(row)
    noisy.results[row.run]["evaluations"][noisy.results[row.run]["evaluation"]].pop("learned")
    assert noisy.learned(row)["variance"] == pytest.approx(told["variance"])


def test_indicators_are_plotted_against_the_normalised_variance(noisy):
    panels = FIGURES["indicators"](noisy).figure.axes
    assert panels[-1].get_xlabel() == "normalised variance β σ²"
    (line,) = [container.lines[0] for container in panels[0].containers]
    means = [
        np.mean([row.beta * variance(noisy, row) for row in setting.rows])
        for setting in noisy.choice.settings
    ]
    assert sorted(line.get_xdata()) == pytest.approx(sorted(means))


@pytest.mark.parametrize(
    "name", ["reconstructions", "map_with_pictures", "low_best_high", "plane_of_codes"]
)
def test_pictures_are_drawn_in_every_format(noisy, name):
    drawn = FIGURES[name](noisy)
    assert drawn.finding.endswith(".")
    for kind, head in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        assert style.content(drawn.figure, kind).startswith(head)


def test_codes_in_the_plane_have_a_legend_of_the_classes(noisy):
    classes = classes_of(noisy.data, np.arange(len(noisy.data)))
    (legend,) = FIGURES["plane_of_codes"](noisy).figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(classes.names)
    assert legend.get_title().get_text() == classes.factor
    assert len(set(classes.colours)) == len(classes.names) > 1


def test_cells_of_latents_and_factors_are_above_chance(noisy):
    drawn = FIGURES["factors_latents"](noisy)
    axes = drawn.figure.axes[0]
    factors = [label.get_text() for label in axes.get_xticklabels()]
    assert factors == list(noisy.data.factors)
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "whole code"
    caption = drawn.figure.get_supxlabel()
    assert f"{len(noisy.data):,} labelled images" in caption and "codes shuffled" in caption
    assert len(axes.texts) == 3 * len(factors)


def test_results_without_what_the_whole_code_knows_are_drawn(noisy):
    row = noisy.representative(noisy.choice.best)
    evaluation = dict(noisy.evaluation(row))
    known = dict(evaluation.pop("factors"))
    gone = next(iter(known))
    del known[gone]
    for stored, rows in ((known, 3), (None, 2)):
        result = noisy.results[row.run]
        found = evaluation | ({"factors": stored} if stored else {})
        results = {row.run: result | {"evaluations": {result["evaluation"]: found}}}
        drawn = FIGURES["factors_latents"](dataclasses.replace(noisy, results=results))
        axes = drawn.figure.axes[0]
        assert len(axes.get_yticklabels()) == rows
        assert [text.get_text() for text in axes.texts].count("–") == (rows == 3)
        assert ("The whole code" in drawn.finding) == (rows == 3)


def test_what_no_model_of_the_sweep_encodes_is_reported(noisy):
    for name in ("exponents", "noise_components", "around_the_code"):
        with pytest.raises(Lacking):
            FIGURES[name](noisy)


def test_a_code_is_moved_along_one_latent_from_where_it_was():
    codes = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]], np.float32)
    found = moved(codes, 1, np.array([-3.0, 0.0, 3.0]))
    assert found[0, :, 1].tolist() == [-1, 2, 5]
    assert (found[:, 1] == codes).all()
    assert (found[:, :, [0, 2]] == codes[:, None, [0, 2]]).all()


def test_learned_exponents_are_a_histogram_in_the_order_of_their_size(tmp_path):
    sweep = of([config(seed=seed, latents=4, **ISA) for seed in (0, 1)], tmp_path)
    found = [sorted(sweep.learned(row)["exponents"]) for row in sweep.rows]
    assert [len(each) for each in found] == [2, 2]
    drawn = FIGURES["exponents"](sweep)
    bars = [bar for bar in drawn.figure.axes[0].patches if bar.get_gid() == "exponents"]
    assert sum(bar.get_height() for bar in bars) == 4
    assert "2 models" in drawn.finding


def test_each_component_of_a_mixture_has_its_share_of_a_residual(tmp_path):
    sweep = of([config(likelihood="gaussian_mixture")], tmp_path)
    drawn = FIGURES["noise_components"](sweep)
    labels = [label.get_text() for label in drawn.figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["input", "reconstruction"] and len(labels) == 4
    assert variance(sweep, sweep.rows[0]) > 0
