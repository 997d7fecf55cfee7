"""A sweep followed from its store while somebody else runs it."""

import io

import pytest
from rich.console import Console

from sweeps.console.inverted_u import curve
from sweeps.console.watching import Watched
from sweeps.plan import runs_of
from sweeps.run_store import Store
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up

SPEC = a_spec()
SETTINGS = [{"latents": m, "beta": b} for m in (2, 4) for b in (1.0, 4.0, 16.0)]


@pytest.fixture(scope="module")
def data():
    return a_dataset()


def write(store, data, number, score):
    for run in runs_of(SPEC, data, SETTINGS[number]):
        write_made_up(store, SPEC, data, run, score)


def test_there_is_a_view_per_change_until_nobody_runs_it(tmp_path, data):
    store, seconds = Store(tmp_path), iter(range(0, 10_000, 100))
    write(store, data, 0, 0.5)
    held = store.lock(SPEC.name)
    held.__enter__()
    steps = iter([
        lambda: None,
        lambda: write(store, data, 1, 0.9),
        lambda: write(store, data, 2, None),
        lambda: held.__exit__(None, None, None),
    ])  # fmt: skip
    watched = Watched(SPEC, store, clock=lambda: float(next(seconds)))
    views = list(watched.views(lambda: next(steps)()))
    said = [view.line for view in views]
    assert len(views) == 4  # nothing had changed at the second look
    assert said[0].startswith("made-up: 2 of 12 runs, 1 of 6 settings, best so far β 1, M 2")
    assert "4 of 12 runs" in said[1] and "best so far β 4, M 2 at 0.900" in said[1]
    assert "left" in said[1] and "left" not in said[0]
    assert "2 failed" in said[2]
    assert views[0].who.startswith("being run by ")
    assert views[3].who == "not running; run it again to resume"


def test_without_the_images_there_are_counts(tmp_path, data):
    store = Store(tmp_path)
    elsewhere = a_spec(dataset={"name": "mnist", "path": str(tmp_path / "nowhere")})
    (view,) = Watched(elsewhere, store).views(lambda: None)
    assert view.line == "made-up: 0 of 12 runs, 0 of 6 settings"


def test_the_curve_is_drawn_only_on_a_terminal(tmp_path, data):
    store = Store(tmp_path)
    for number, score in enumerate((0.5, 0.9, 0.4)):
        write(store, data, number, score)
    (view,) = Watched(SPEC, store).views(lambda: None)
    assert view.choice is not None
    wide = Console(file=io.StringIO(), force_terminal=True, width=80)
    assert "0.90" in curve(view.choice, wide)
    assert curve(view.choice, Console(file=io.StringIO())) == ""
