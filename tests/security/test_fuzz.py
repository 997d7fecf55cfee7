"""Some hundreds of the cases that `python -m tests.security.fuzz` makes by the ten thousand."""

import pytest

from tests.security.fuzz import READ, REFUSED, TARGETS, fuzz

CASES = 300


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_given_is_read_or_refused(name):
    outcomes = fuzz(name, CASES)
    assert sum(outcomes.values()) >= CASES
    assert outcomes[READ] > 0 and outcomes[REFUSED] > 0
