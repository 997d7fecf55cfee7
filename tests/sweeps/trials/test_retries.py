"""A block is tried again while it gets further, and given up when it fails where it failed."""

import pytest

from sweeps.plan import Setting
from sweeps.trials.retries import Retries
from sweeps.trials.trial_queue import Block
from tests.sweeps.made_up import a_spec
from trainer.config.schema import FieldError


def outcomes(most: int, *steps: int) -> list[bool]:
    """Whether a block is tried again after each of its failures."""
    retries, block = Retries(most), Block(Setting(0, {}), 0, (), ())
    return [retries.grants(block, step) for step in steps]


def test_an_error_that_recurs_at_the_same_step_ends_it():
    assert outcomes(0, 5) == [False]
    assert outcomes(1, 0, 0) == [True, False]
    assert outcomes(2, 7, 7, 7) == [True, True, False]


def test_machines_that_vanish_between_two_checkpoints_are_only_a_delay():
    assert outcomes(1, *range(10, 100, 10)) == [True] * 9


def test_failing_earlier_does_not_count_as_progress():
    assert outcomes(1, 50, 20) == [True, False]
    assert outcomes(2, 50, 20, 60, 60) == [True, True, True, True]


def test_blocks_do_not_share_their_failures():
    retries = Retries(1)
    for number in range(3):
        assert retries.grants(Block(Setting(number, {}), 0, (), ()), 0)
        assert retries.grants(Block(Setting(number, {}), 1, (), ()), 0)


def test_the_sweep_file_says_how_often():
    assert (a_spec().max_failures, a_spec(max_failures=0).max_failures) == (1, 0)
    with pytest.raises(FieldError, match="max_failures: expected 0 or more"):
        a_spec(max_failures=-1)
