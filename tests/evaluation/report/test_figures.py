"""What the figures hold: places of marks and numbers of artists, never pixels."""

import dataclasses
import itertools
import math
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from evaluation.analysis.choose import choose
from evaluation.analysis.conclude import answer
from evaluation.report.figures import beta_latents_map, inverted_u, tradeoff, traversals
from evaluation.report.figures.beta_latents_map import REACH, cell_edges
from evaluation.report.figures.style import colours_of, markers_of
from evaluation.report.traversals import Traversal
from tests.evaluation.analysis.sweeps_of_rows import PIXELS, row
from tests.evaluation.analysis.sweeps_of_rows import inverted_u as made_up


def places(figure: Figure, gid: str) -> np.ndarray:
    """(n, 2) places of all points of the artists marked `gid`."""
    found = [a for axes in figure.axes for a in axes.collections if a.get_gid() == gid]
    offsets = [np.asarray(artist.get_offsets()) for artist in found]
    return np.concatenate(offsets) if offsets else np.zeros((0, 2))


def lines(figure: Figure, gid: str) -> list[np.ndarray]:
    """(n, 2) points of each line marked `gid`."""
    return [a.get_xydata() for axes in figure.axes for a in axes.lines if a.get_gid() == gid]


def words(figure: Figure) -> str:
    inside = [text.get_text() for axes in figure.axes for text in axes.texts]
    return "\n".join([*inside, figure.get_supxlabel()])


FAILED = {(64.0, 20, 0), (64.0, 20, 1), (32.0, 5, 3)}


@pytest.fixture(scope="module")
def rows():
    return made_up(failed=FAILED)


def test_every_seed_is_a_dot_or_a_cross(rows):
    figure = inverted_u.draw(rows, choose(rows))
    finished = [r for r in rows if r.state == "finished"]
    expected = sorted((r.beta_norm, r.score) for r in finished)
    assert np.array(sorted(map(tuple, places(figure, "seeds")))) == pytest.approx(
        np.array(expected)
    )
    crosses = places(figure, "failed")
    assert len(crosses) == 3
    assert set(crosses[:, 1]) == {0.25}  # chance level
    assert "3 failed seeds" in words(figure)
    assert "×2" in words(figure)


def test_tops_are_ringed_and_named(rows):
    choice = choose(rows)
    figure = inverted_u.draw(rows, choice)
    expected = sorted((top.beta_norm, top.score) for top in choice.per_latents.values())
    assert np.array(sorted(map(tuple, places(figure, "tops")))) == pytest.approx(np.array(expected))
    for label in ("M = 5: β = 4", "M = 10: β = 4", "M = 20: β = 8"):
        assert label in words(figure)


def test_one_line_per_latent_size_in_order_of_beta(rows):
    choice = choose(rows)
    drawn = lines(inverted_u.draw(rows, choice), "settings")
    assert len(drawn) == 3
    for line in drawn:
        assert (np.diff(line[:, 0]) > 0).all()
    assert sum(map(len, drawn)) == len(choice.settings)


def test_settings_of_other_parameters_are_other_lines():
    rows = [
        dataclasses.replace(r, run=f"{r.run}-{lr}", parameters={"lr": lr})
        for lr in (0.1, 0.2)
        for r in made_up(latents=(10,))
    ]
    for module in (inverted_u, tradeoff):
        figure = module.draw(rows, choose(rows))
        joined = [a for a in figure.axes[0].lines if len(a.get_xdata()) == 9]
        assert len(joined) == 2


def test_beta_one_and_chance_are_lines(rows):
    figure = inverted_u.draw(rows, choose(rows))
    at = [line[0, 0] for line in lines(figure, "beta=1")]
    assert at == pytest.approx([5 / PIXELS, 10 / PIXELS, 20 / PIXELS])
    assert lines(figure, "chance")[0][:, 1] == pytest.approx([0.25, 0.25])
    low, high = figure.axes[0].get_xlim()
    assert low < min(at) and max(at) < high


def test_the_fitted_interval_is_a_bar(rows):
    found = answer(rows)
    bars = lines(inverted_u.draw(rows, choose(rows), found), "interval")
    expected = [best.interval_norm for best in found.per_latents.values()]
    assert np.array([bar[:, 0] for bar in bars]) == pytest.approx(np.array(expected))


def test_cells_meet_half_way_and_reach_no_further():
    cells = cell_edges([1.0, 1.21, 100.0])
    assert cells[0][1] == pytest.approx(1.1) == cells[1][0]
    assert cells[1][1] == pytest.approx(1.21 * 10**REACH)
    assert cells[2] == pytest.approx((100 / 10**REACH, 100 * 10**REACH))
    assert cell_edges([1.0]) == [pytest.approx((10**-REACH, 10**REACH))]


def test_the_map_has_a_cell_per_setting_and_a_star(rows):
    choice = choose(rows)
    figure = beta_latents_map.draw(rows, choice)
    assert len(figure.axes[0].patches) == 27
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["5", "10", "20"]
    assert places(figure, "best")[0, 0] == pytest.approx(choice.best.beta_norm)
    assert len(places(figure, "top")) == 2


def test_cells_of_the_map_hold_their_setting():
    rows = [row(beta=beta, scores=(0.5,)) for beta in (0.3, 0.9, 1.0, 5.0, 200.0)]
    figure = beta_latents_map.draw(rows, choose(rows))
    cells = sorted((p.get_x(), p.get_x() + p.get_width()) for p in figure.axes[0].patches)
    for setting, (left, right) in zip(sorted(rows, key=lambda r: r.beta), cells, strict=True):
        assert left < setting.beta_norm < right
    assert all(a[1] <= b[0] * (1 + 1e-9) for a, b in itertools.pairwise(cells))


def test_the_tradeoff_places_seeds_and_the_best(rows):
    choice = choose(rows)
    figure = tradeoff.draw(rows, choice)
    assert len(places(figure, "seeds")) == len(rows) - len(FAILED)
    assert len(places(figure, "settings")) == 27
    assert places(figure, "best")[0] == pytest.approx(
        (choice.best.reconstruction, choice.best.mean)
    )
    assert "3 failed runs" in words(figure)


DEGENERATE = {
    "one seed": [row()],
    "one setting": [row(seed=seed, chance=0.25) for seed in range(3)],
    "one latent size": made_up(latents=(10,)),
    "nothing but scores": [row(beta=beta) for beta in (1.0, 2.0, 4.0)],
    "all failed": [row(beta=beta, scores=()) for beta in (1.0, 2.0)],
    "beta of 0": made_up(betas=(0.0, 1.0, 4.0)),
    "beta of 0 alone": [row(beta=0.0)],
    "many latent sizes": [row(beta=b, latents=m) for m in range(1, 25) for b in (1.0, 4.0)],
    "many orders of magnitude": [row(beta=10.0**e) for e in range(-5, 6)],
}


@pytest.mark.parametrize("draw", [inverted_u.draw, beta_latents_map.draw, tradeoff.draw])
@pytest.mark.parametrize("case", DEGENERATE)
def test_odd_sweeps_are_drawn_without_a_warning(draw, case):
    with warnings.catch_warnings():  # not those that pytest tells of what other tests left behind
        warnings.simplefilter("error")
        figure = draw(DEGENERATE[case], choose(DEGENERATE[case]))
        figure.draw_without_rendering()
    assert all(np.isfinite(axes.get_xlim()).all() for axes in figure.axes)


def test_what_is_missing_is_reported():
    all_failed, scores = DEGENERATE["all failed"], DEGENERATE["nothing but scores"]
    assert "no run finished" in words(inverted_u.draw(all_failed, choose(all_failed)))
    assert "no reconstruction" in words(tradeoff.draw(scores, choose(scores)))


def test_few_latent_sizes_have_colours_and_markers_of_their_own():
    sizes = range(2, 10)
    assert len(set(colours_of(sizes).values())) == len(set(markers_of(sizes).values())) == 8
    assert len(set(colours_of(range(40)).values())) == 40


def grid(images=2, rows=3, channels=1, side=8) -> Traversal:
    shape = (images, rows, 5, channels, side, side)
    return Traversal(
        title="β = 4",
        latents=np.array([7, 0, 2]),
        kl=np.array([3.25, 1.5, 0.01]),
        values=np.linspace(-3, 3, 5),
        images=np.random.default_rng(0).random(shape, np.float32),
        inputs=np.zeros((images, channels, side, side), np.float32),
        reconstructions=np.ones((images, channels, side, side), np.float32),
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_a_traversal_grid_labels_its_rows(channels):
    figure = traversals.draw(grid(channels=channels))
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["z7  3.25", "z0  1.50", "z2  0.01"]
    live, _, idle = (label.get_color() for label in axes.get_yticklabels())
    assert live != idle
    assert len(axes.images) == 4  # an input with its reconstruction, and a block, for two images
    assert math.isclose(axes.get_aspect(), 1)


def test_a_mosaic_keeps_every_pixel():
    images = grid().images[0]
    sheet = traversals.mosaic(images)
    step = 8 + 1
    for r, c in np.ndindex(3, 5):
        tile = sheet[r * step : r * step + 8, c * step : c * step + 8]
        assert (tile == images[r, c].transpose(1, 2, 0)).all()
    assert sheet.shape == (3 * step - 1, 5 * step - 1, 3)
