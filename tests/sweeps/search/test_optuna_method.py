"""TPE over a bounded study proposes what one whole study does, and the same when interrupted."""

import math

import numpy as np
import optuna
import pytest

from sweeps.search import optuna_method
from sweeps.search.method import Past, Problem
from sweeps.search.methods.bayes import Bayes
from sweeps.search.space import Parameter

PARAMETERS = {
    "beta": Parameter(min=0.1, max=100.0, distribution="log_uniform"),
    "latents": Parameter(values=(2, 5, 10)),
}
SPACE = {name: optuna_method.distribution(parameter) for name, parameter in PARAMETERS.items()}
LOOKAHEAD = 4


@pytest.fixture(autouse=True)
def no_startup(monkeypatch):
    monkeypatch.setattr(optuna_method, "STARTUP", 0)


def score(number: int, parameters) -> float | None:
    """Best at β = 4; every 13th setting fails."""
    return None if number % 13 == 5 else -abs(math.log(parameters["beta"] / 4))


def a_search() -> Bayes:
    return Bayes(Problem(PARAMETERS, "maximize", seed=3, lookahead=LOOKAHEAD))


def search(method: Bayes, count: int, recorded=()) -> list[dict]:
    """The settings of a whole search; `recorded` ones are not asked for again."""
    settings: list[dict] = []
    for number in range(count):
        scores = [score(n, settings[n]) for n in range(method.needs(number))]
        past = Past(settings, scores)
        known = number < len(recorded)
        settings.append(recorded[number] if known else next(method.proposals(number, past)))
    return settings


def literal(count: int) -> list[dict]:
    """The same by one study that holds everything, with Optuna alone."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study, trials, settings = optuna.create_study(direction="maximize"), [], []
    state = optuna.trial.TrialState
    for number in range(count):
        told = number - LOOKAHEAD
        if told >= 0:
            value = score(told, settings[told])
            study.tell(trials[told], value, state=state.FAIL if value is None else None)
        seed = int(np.random.SeedSequence([3, number, 0]).generate_state(1)[0])
        study.sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=1, constant_liar=True, multivariate=True
        )
        trial = study.ask(SPACE)
        trials.append(trial.number)
        settings.append(dict(trial.params))
    return settings


def test_within_a_span_it_is_optuna_with_one_study():
    assert search(a_search(), 30) == literal(30)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(optuna_method, "SPAN", 20)
    monkeypatch.setattr(optuna_method, "BEST", 3)
    monkeypatch.setattr(optuna_method, "LATEST", 5)


@pytest.mark.parametrize("recorded", [0, 7, 19, 20, 21, 24, 39, 40, 45, 64])
def test_resuming_proposes_the_same_across_spans(short, recorded):
    whole = search(a_search(), 65)
    assert search(a_search(), 65, recorded=whole[:recorded]) == whole


def test_a_new_study_begins_with_the_best_and_the_latest(short):
    searched = a_search()
    settings = search(searched, 45)
    scores = {n: score(n, settings[n]) for n in range(40 - LOOKAHEAD + 1)}
    scored = [n for n in scores if scores[n] is not None]
    best = sorted(scored, key=lambda n: -scores[n])[:3]
    kept = sorted({*best, *scored[-5:]})
    done = [t for t in searched._study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    assert [t.params for t in done[: len(kept)]] == [settings[n] for n in kept]
    assert len(done) <= 8 + 20


def test_it_finds_the_top(short):
    late = [setting["beta"] for setting in search(a_search(), 65)[50:]]
    assert 2 < float(np.median(late)) < 8
