"""The sweeps of the long commands can begin.

A real one in many odd surroundings at once: tests/security/test_planted_secrets.py; in each alone:
`python -m tests.surroundings`.
"""

import yaml

from sweeps.sweepfile import spec_of
from tests.faults import small_sweep
from tests.infra import two_hosts
from tests.surroundings import place


def test_the_sweeps_of_the_long_commands_are_good():
    sweeps = (small_sweep.SWEEP, *map(yaml.safe_load, (place.SWEEP, two_hosts.SWEEP)))
    assert [spec_of(dict(sweep)).name for sweep in sweeps] == ["small", "here", "hosts"]
