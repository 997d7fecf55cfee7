"""What runs of the store say about those that are left."""

import numpy as np
import pytest

from sweeps.costs.timing import (
    Estimate,
    ModelKind,
    TimedPack,
    kind_of,
    predict,
    predict_scoring,
    timed_packs,
)

MLP, CONV = ModelKind("mlp", 5), ModelKind("conv", 5)


def result(seed: int, seconds: float, **changes) -> dict:
    config = {"latents": 5, "beta": 4.0, "seed": seed, "steps": 100, "architecture": "mlp"}
    training = {"steps": 100, "seconds": seconds, "device": "cpu", "machine": {"cores": 2}}
    keys = {"config": {**config, **changes.pop("config", {})}, "training": training}
    return {**keys, "scoring": {"id": 2.0}, **changes}


def test_the_runs_of_a_pack_share_its_time_and_those_of_another_machine_do_not_count():
    gpu = {"steps": 100, "seconds": 1.0, "device": "a GPU"}
    runs = [result(0, 30.0), result(1, 30.0), result(2, 12.5), result(3, 0.0, training=gpu)]
    assert timed_packs([*runs, result(4, 0.0), {"config": {}}]) == [
        TimedPack(kind_of(runs[0]["config"]), 200, 30.0, "2 CPU cores", 2.0),
        TimedPack(kind_of(runs[0]["config"]), 100, 12.5, "2 CPU cores", 2.0),
    ]
    assert timed_packs([]) == []
    odd = {"steps": "100", "seconds": [1]}
    assert timed_packs([result(0, 1.0, training=odd), result(0, 1.0, training=None or {})]) == []


def test_a_run_is_of_the_kind_of_those_that_differ_in_seed_beta_learning_rate_and_steps():
    alike = {"beta": 1.0, "seed": 9, "steps": 7, "optimizer": {"name": "adam", "lr": 1.0}}
    config = {**result(0, 1)["config"], "optimizer": {"name": "adam", "lr": 0.1}}
    assert kind_of({**config, **alike}) == kind_of(config)
    assert kind_of({**config, "latents": 6}) == kind_of(config)._replace(latents=6)
    assert kind_of({**config, "architecture": "conv"}).rest != kind_of(config).rest


def test_each_kind_takes_as_long_as_its_own_and_an_unknown_one_as_the_nearest():
    known = [TimedPack(MLP, 100, 10.0), TimedPack(CONV, 100, 50.0)]
    for left, expected in [
        ([(MLP, 200)], 20),
        ([(MLP, 100), (CONV, 10)], 15),
        ([(MLP._replace(latents=50), 100)], 10),
        ([(None, 100)], 30),
        ([(ModelKind("other", 5), 100)], 30),
        ([], 0),
    ]:
        found = predict(known, left)
        assert found.expected == pytest.approx(expected)
        assert expected == 0 or found.low < expected < found.high


def test_the_interval_holds_for_the_sum_of_what_is_left():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(400):
        taken = rng.lognormal(0.0, 0.2, 26) * 100
        found = predict([TimedPack(MLP, 10, t) for t in taken[:6]], [(MLP, 10)] * 20)
        covered += found.low <= taken[6:].sum() <= found.high
    assert 0.86 < covered / 400 < 0.96


def test_the_interval_narrows_with_what_is_known_and_a_probe_may_be_off_as_a_whole():
    def width(packs: int, left: int, probed: bool = False) -> float:
        found = predict([TimedPack(MLP, 10, 10.0)] * packs, [(MLP, 10)] * left, probed)
        return found.high / found.low

    assert width(1, 9) > width(3, 9) > width(30, 9) > width(30, 90) > 1
    assert width(1, 1, True) == pytest.approx(width(1, 1000, True))
    assert width(1, 1, True) > 2


def test_scoring_takes_as_long_as_it_did_and_is_unknown_for_older_results():
    known = [TimedPack(MLP, 10, 10.0, scoring=2.0), TimedPack(MLP, 10, 10.0, scoring=4.0)]
    found = predict_scoring(known, 10)
    assert found is not None and found.expected == pytest.approx(30)
    assert predict_scoring([TimedPack(MLP, 10, 10.0)], 10) is None
    assert found + found == found * 2 == Estimate(60, 2 * found.low, 2 * found.high)
