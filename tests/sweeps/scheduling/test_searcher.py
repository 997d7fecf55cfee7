"""The searcher: whole grids, even coverage, and proposals that depend on the file alone."""

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from sweeps.plan import Setting
from sweeps.scheduling.searcher import WAIT, Searcher
from sweeps.search.optuna_method import STARTUP
from sweeps.sweepfile import SweepSpec, as_mapping, spec_of
from tests.sweeps.made_up import a_spec
from trainer.config.schema import FieldError

MIXED = {
    "beta_norm": {"distribution": "log_uniform", "min": 0.001, "max": 5},
    "latents": {"values": [2, 5, 10, 20]},
    "steps": {"distribution": "int_uniform", "min": 10, "max": 29},
}
SMALL = {
    "beta": {"values": [1, 2, 3]},
    "latents": {"distribution": "int_log_uniform", "min": 2, "max": 5},
}


def mixed(method: str, count: int = 24, **keys) -> SweepSpec:
    return a_spec(method=method, parameters=MIXED, settings=count, **keys)


def score(setting: Setting) -> float | None:
    """Best at beta_norm 0.1; every fifth setting fails."""
    if setting.number % 5 == 3:
        return None
    return -abs(math.log(setting.parameters.get("beta_norm", 1.0) / 0.1))


def search(spec: SweepSpec, at_once: int = 1, order: int = 0, recorded=None) -> list[Setting]:
    """All settings, with up to `at_once` at work, which end in an order drawn from seed `order`."""
    searcher, at_work, done = Searcher(spec, recorded), [], []
    draw = random.Random(order)
    while True:
        setting = searcher.ask() if len(at_work) < at_once else WAIT
        if isinstance(setting, Setting):
            at_work.append(setting)
            done.append(setting)
        elif at_work:
            ended = at_work.pop(draw.randrange(len(at_work)))
            searcher.tell(ended.number, score(ended))
        else:
            assert setting is None, "it waits while nothing is at work"
            return done


REFERENCE = {m: search(mixed(m)) for m in ("random", "quasirandom", "bayes", "cmaes")}


@pytest.mark.parametrize("method", REFERENCE)
@settings(max_examples=15, deadline=None)
@given(at_once=st.integers(1, 12), order=st.integers(0, 2**32), kept=st.integers(0, 24))
def test_proposals_depend_neither_on_timing_nor_on_interruptions(method, at_once, order, kept):
    recorded = {s.number: s.parameters for s in REFERENCE[method][:kept]}
    assert search(mixed(method), at_once, order, recorded) == REFERENCE[method]


def test_proposals_of_bayes_depend_on_scores_and_on_the_seed():
    blind, searcher = [], Searcher(mixed("bayes"))
    while isinstance(setting := searcher.ask(), Setting):
        blind.append(setting)
        searcher.tell(setting.number, 0.0)
    assert blind[:STARTUP] == REFERENCE["bayes"][:STARTUP]
    assert blind[STARTUP:] != REFERENCE["bayes"][STARTUP:]
    assert search(mixed("bayes", search_seed=1)) != REFERENCE["bayes"]


@pytest.mark.parametrize(("method", "gain"), [("bayes", 1), ("cmaes", 0.5)])
def test_a_search_comes_closer_than_its_first_settings(method, gain):
    found = [score(s) for s in search(mixed(method, 80))]
    early = [s for s in found[:STARTUP] if s is not None]
    late = [s for s in found[60:] if s is not None]
    assert np.mean(late) > np.mean(early) + gain  # in units of log(beta_norm)


def test_bayes_waits_for_the_settings_it_looks_at_and_for_no_others():
    searcher = Searcher(mixed("bayes", lookahead=3))
    for number in range(STARTUP):
        assert isinstance(searcher.ask(), Setting), number
    assert searcher.ask() is WAIT
    for number in reversed(range(1, STARTUP - 2)):
        searcher.tell(number, 0.5)
    assert searcher.ask() is WAIT
    searcher.tell(0, 0.5)
    assert isinstance(searcher.ask(), Setting)
    assert searcher.ask() is WAIT


@pytest.mark.parametrize("method", ["bayes", "cmaes"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_a_search_continues_when_every_setting_fails(method, bad):
    searcher, proposed = Searcher(mixed(method, 16)), 0
    while isinstance(setting := searcher.ask(), Setting):
        searcher.tell(setting.number, bad)
        proposed += 1
    assert proposed == 16


def test_grid_is_the_whole_product_in_order():
    spec = a_spec(
        parameters={
            "latents": {"values": [2, 4]},
            "beta": {"distribution": "log_uniform", "min": 1, "max": 100, "points": 3},
        }
    )
    expected = [{"latents": m, "beta": b} for m, b in itertools.product([2, 4], [1.0, 10.0, 100.0])]
    assert [dict(s.parameters) for s in search(spec, 4)] == expected


@pytest.mark.parametrize("method", ["random", "quasirandom", "bayes", "cmaes"])
def test_a_small_space_is_searched_without_repeats_until_nothing_is_left(method):
    spec = a_spec(method=method, parameters=SMALL, settings=50)
    searcher, seen = Searcher(spec), []
    while isinstance(setting := searcher.ask(), Setting):
        seen.append(tuple(setting.parameters.items()))
        searcher.tell(setting.number, 1.0)
    assert Counter(seen) == Counter(
        (("beta", b), ("latents", m)) for b, m in itertools.product([1, 2, 3], [2, 3, 4, 5])
    )


def test_quasirandom_fills_the_space_evenly_from_the_first_point():
    spec = mixed("quasirandom", 16)
    found = search(spec)
    assert Counter(s.parameters["latents"] for s in found) == {2: 4, 5: 4, 10: 4, 20: 4}
    logs = np.log([s.parameters["beta_norm"] for s in found])
    edges = np.linspace(math.log(0.001), math.log(5), 17)
    assert (np.histogram(logs, edges)[0] == 1).all()  # one in each of 16 equal parts
    cube = np.array([[s.parameters["steps"] / 40, i / 16] for i, s in enumerate(found)])
    assert qmc.discrepancy(cube) < 0.1


@pytest.mark.parametrize("method", ["random", "quasirandom", "bayes", "cmaes"])
def test_ranges_hold_their_distribution(method):
    found = search(a_spec(method=method, parameters=MIXED, settings=128))
    assert all(0.001 <= s.parameters["beta_norm"] <= 5 for s in found)
    assert all(isinstance(s.parameters["steps"], int) for s in found)
    assert {s.parameters["steps"] for s in found} <= set(range(10, 30))
    if method in ("random", "quasirandom"):
        below = sum(s.parameters["beta_norm"] < math.sqrt(0.001 * 5) for s in found)
        assert 40 <= below <= 88  # half of them lie below the geometric mean
        assert {s.parameters["steps"] for s in found} >= {10, 29}


def test_a_score_for_a_setting_never_proposed_is_refused():
    with pytest.raises(ValueError, match="setting 0 was never proposed"):
        Searcher(a_spec()).tell(0, 1.0)


def test_a_gaussian_process_finds_a_top_through_noise_and_does_so_again():
    space = {"beta": {"distribution": "log_uniform", "min": 0.01, "max": 100}}
    spec = a_spec(method="gp", parameters=space, settings=16, lookahead=2)
    noise = np.random.default_rng(0).normal(0, 0.05, 16)

    def betas(recorded=None):
        searcher = Searcher(spec, recorded)
        while isinstance(setting := searcher.ask(), Setting):
            beta = setting.parameters["beta"]
            searcher.tell(setting.number, noise[setting.number] - math.log10(beta / 4) ** 2)
            yield beta

    found = list(betas())
    assert 1 < np.median(found[STARTUP + 2 :]) < 16
    assert list(betas({n: {"beta": beta} for n, beta in enumerate(found[:13])})) == found


def test_cmaes_waits_for_its_generation_and_searches_one_parameter():
    searcher = Searcher(a_spec(method="cmaes", parameters={"beta": {"min": 1, "max": 9}}))
    size = searcher._method._size
    first = [searcher.ask() for _ in range(size)]
    assert all(isinstance(setting, Setting) for setting in first)
    assert searcher.ask() is WAIT
    for setting in first:
        searcher.tell(setting.number, 0.5)
    assert isinstance(searcher.ask(), Setting)


def test_listed_settings_are_tried_as_they_are_written():
    listed = [{"beta": 1, "latents": 5}, {"beta": 4, "latents": 10}, {"beta": 4, "latents": 5}]
    spec = a_spec(method="list", settings=listed, parameters=None)
    assert [dict(setting.parameters) for setting in search(spec, 2)] == listed
    assert spec.setting_count == 3
    again = spec_of(as_mapping(spec))
    assert again == spec and again.search_id == spec.search_id
    fewer = a_spec(method="list", settings=listed[:2], parameters=None)
    assert fewer.search_id != spec.search_id


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"method": "list", "settings": [{"beta": 1}, {"latents": 2}]}, r"settings\[1\]: expected"),
        ({"method": "list", "settings": [{"beta": 1}] * 2}, r"settings\[1\]: .* listed twice"),
        ({"method": "list", "settings": [{"bta": 1}]}, r"settings\[0\].bta: unknown parameter"),
        ({"method": "list", "settings": [{"beta": [1]}]}, r"settings\[0\].beta: expected"),
        ({"method": "list", "settings": 3}, "settings: expected a list"),
        ({"method": "grid", "settings": [{"beta": 1}]}, "settings: .* needs `method: list`"),
    ],
)
def test_listed_settings_that_cannot_be_are_refused(keys, problem):
    with pytest.raises(FieldError, match=problem):
        a_spec(**keys, parameters=None)
