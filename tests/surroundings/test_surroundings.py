"""One real sweep in many odd surroundings at once; each alone: `python -m tests.surroundings`."""

import yaml

from sweeps.sweepfile import spec_of
from tests.faults import small_sweep
from tests.infra import two_hosts
from tests.surroundings import place
from tests.surroundings.cases import everything_at_once


def test_a_sweep_runs_where_people_run_it(tmp_path):
    assert everything_at_once(tmp_path / "here") is None


def test_the_sweeps_of_the_long_commands_are_good():
    sweeps = (small_sweep.SWEEP, *map(yaml.safe_load, (place.SWEEP, two_hosts.SWEEP)))
    assert [spec_of(dict(sweep)).name for sweep in sweeps] == ["small", "here", "hosts"]
