"""One real sweep in many odd surroundings at once; each alone: `python -m tests.surroundings`."""

from tests.surroundings.cases import everything_at_once


def test_a_sweep_runs_where_people_run_it(tmp_path):
    assert everything_at_once(tmp_path / "here") is None
