"""β = 0 among the values: searched, trained, drawn apart, and left out of the curve over log β."""

import dataclasses

import numpy as np
import pytest

from evaluation.analysis.conclude import answer
from evaluation.analysis.table import RunRow
from evaluation.report.figures import beta_latents_map, inverted_u, tradeoff
from sweeps import best
from sweeps.plan import load_data, runs_of
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.sweeps.made_up import a_spec, write_made_up
from trainer.config.schema import FieldError
from trainer.errors import UserError
from trainer.training.loop import train

NOTE = "beta = 0 has no place on a curve over log beta"


def rows(scores: dict[float, float], latents: int = 10) -> list[RunRow]:
    """Four seeds of each beta, a hundredth apart."""
    return [
        RunRow(
            f"{beta}-{seed}",
            "finished",
            beta,
            beta * latents / 4096,
            latents,
            seed,
            (score + 0.01 * seed,),
            reconstruction=-20 - beta,
        )
        for beta, score in scores.items()
        for seed in range(4)
    ]


@pytest.mark.parametrize("name", ["beta", "beta_norm"])
@pytest.mark.parametrize("method", ["grid", "random", "bayes", "quasirandom"])
def test_zero_is_searched_where_it_is_listed(name, method):
    spec = a_spec(parameters={name: {"values": [0, 0.5, 4]}}, method=method)
    searcher, found = Searcher(spec), []
    while (setting := searcher.ask()) is not None:
        found.append(setting.parameters[name])
        searcher.tell(setting.number, 0.5)
    assert sorted(found) == [0, 0.5, 4]
    assert [run.config.beta for run in runs_of(spec, load_data(spec), {name: 0})] == [0.0, 0.0]


@pytest.mark.parametrize("distribution", ["uniform", "log_uniform"])
def test_a_range_has_no_zero(distribution):
    with pytest.raises(FieldError, match=r"beta\.min: .*positive .*got 0"):
        a_spec(parameters={"beta": {"min": 0, "max": 4, "distribution": distribution, "points": 3}})


def test_a_model_at_zero_trains_without_a_kl_term(tmp_path):
    spec = a_spec(parameters={"beta": {"values": [0, 4]}, "latents": {"value": 3}})
    data = load_data(spec)
    configs = [
        dataclasses.replace(runs_of(spec, data, {"beta": b, "latents": 3})[0].config, steps=150)
        for b in (0, 4)
    ]
    train(configs, data, [tmp_path / "0", tmp_path / "4"], device="cpu")
    from trainer import load_model

    images = data.images(np.arange(0, len(data), 7))
    kl = []
    for folder in ("0", "4"):
        means, variances = load_model(tmp_path / folder).encode(images)
        kl.append(0.5 * (means**2 + variances - 1 - np.log(variances)).sum(axis=1).mean())
    assert kl[0] > 2 * kl[1]


@pytest.mark.parametrize(("zero", "place"), [(0.2, "behind"), (0.99, "ahead of")])
def test_the_curve_is_the_same_with_it_and_the_answer_says_where_it_is(zero, place):
    scores = {0.5: 0.5, 1.0: 0.6, 4.0: 0.9, 8.0: 0.7, 16.0: 0.5}
    without, with_zero = answer(rows(scores)), answer(rows({0.0: zero, **scores}))
    assert with_zero.choice.best.beta == 4.0
    assert with_zero.best.interval == without.best.interval
    assert with_zero.best.probability_within == without.best.probability_within
    said = " ".join(with_zero.best.sentences)
    assert NOTE in said and f"is {place} the best of the others (0.915)" in said
    assert NOTE not in " ".join(without.best.sentences)
    assert {setting.beta for setting in with_zero.choice.settings} == {0.0, *scores}


def test_a_sweep_of_nothing_else_cannot_tell(tmp_path):
    spec = a_spec(parameters={"beta": {"value": 0}, "latents": {"value": 2}})
    store, data = Store(tmp_path), load_data(spec)
    store.prepare()
    queue = TrialQueue(Sweep(spec, store, data), Searcher(spec))
    while isinstance(block := queue.next(), Block):
        for run in block.runs:
            write_made_up(store, spec, data, run, 0.5)
    found = best(spec, store)
    assert (found.beta, found.interval, found.verdict) == (0.0, None, "cannot tell")
    assert "beta above 0" in found.reasons[0]


def test_the_figures_draw_it_apart_at_their_left_edge():
    table = rows({0.0: 0.3, 1.0: 0.6, 4.0: 0.9, 8.0: 0.7, 16.0: 0.5})
    found = answer(table)
    drawn = inverted_u.draw(table, found.choice, found)
    for figure in (drawn, beta_latents_map.draw(table, found.choice)):
        figure.draw_without_rendering()
        (label,) = (t for t in figure.axes[0].get_xticklabels() if t.get_text() == "β = 0")
        low, high = figure.axes[0].get_xlim()
        assert low < label.get_position()[0] < 10 / 4096 < high  # left of β = 1
    points = tradeoff.draw(table, found.choice).axes[0].collections[0].get_offsets()
    assert len(points) == len(table)
    with pytest.raises(UserError):
        answer([])
