"""What a sweep costs, in words and by a probe."""

import numpy as np
import pytest
import torch

from sweeps.sweepfile.cost import Cost, cost_of, device_hours
from tests.sweeps.made_up import a_dataset, a_spec


def test_it_is_worded_in_units_that_people_use():
    said = Cost(42, 3, 750.0, 200 * 2**20).in_words()
    assert said == (
        "42 runs, about 12 min of training on this machine; a trial of 3 models takes 200 MiB"
    )
    assert "1.0 GiB" in Cost(1, 1, 9.0, 2**30).in_words()
    assert "3.0 h" in Cost(1, 1, 3 * 3600.0, 1).in_words()


def test_a_few_steps_tell_time_and_memory(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path))
    few, many = (cost_of(a_spec(trainer={"architecture": "mlp", "steps": n}), a_dataset())
                 for n in (10, 10_000))  # fmt: skip
    assert few.runs == 12 and few.models == 2
    assert few.memory == many.memory > 2**20
    assert many.seconds > 50 * few.seconds > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_nothing_is_trained_for_a_gpu_that_is_not_here():
    found = cost_of(a_spec(resources={"gpu": 1, "cpu": 1}), a_dataset())
    assert found.seconds is None and "GPU" in found.in_words()


def test_what_is_left_is_judged_by_what_was_trained():
    assert device_hours([100.0], 10) is None
    alike = device_hours([3600.0, 3600.0], 10)
    assert alike is not None and (alike.low, alike.expected, alike.high) == (10, 10, 10)
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        taken = rng.normal(100.0, 10.0, 26)
        hours = device_hours(taken[:6], 20)
        assert hours is not None
        covered += hours.low <= taken[6:].sum() / 3600 <= hours.high
    assert 0.86 < covered / 400 < 0.94
    assert "by 6 trials so far" in hours.in_words()
