"""Halving over unfinished runs, through real trials: what is dropped, resumed, and said."""

import pytest

from sweeps import api
from sweeps.costs.planned import Planned
from sweeps.run_store import Store
from sweeps.scheduling import rounds
from sweeps.sweep import Sweep
from sweeps.sweep_results import status
from sweeps.sweepfile import SweepSpec
from sweeps.trials.early_scores import EarlyScores
from sweeps.trials.trial import Trial
from sweeps.trials.trial_queue import Block, TrialQueue
from sweeps.trials.work_order import config_of, job_of
from tests.sweeps.made_up import a_dataset, a_spec

QUICK = {"mig": {"points": 100}}
EARLY = {"halving": {"at": 0.5}}


def spec(**keys) -> SweepSpec:
    space = {"latents": 3, "beta": [0.1, 30, 1000]}
    training = {"architecture": "mlp", "steps": 20}
    keys = {"metric": "mig", "evaluation": QUICK, "trainer": training, **keys}
    return a_spec(parameters=space, seeds=1, **keys)


def trained(sweep: Sweep, at_most: int = 100) -> list[tuple[int, float, int]]:
    """Trains the sweep, or that many trials: a kill in the middle. Setting, share, runs of each."""
    queue, done = TrialQueue.resume(sweep), []
    job = job_of(sweep.spec, sweep.store, QUICK, early=EarlyScores.of(sweep))
    queue.replay()
    while len(done) < at_most:
        block = queue.next()
        if not isinstance(block, Block):
            assert block is None, "it waits although nothing is in training"
            break
        done.append((block.setting.number, block.share, len(block.runs)))
        trial = Trial(config_of(block, job))
        while not trial.step().get("done"):
            pass
        assert queue.ended(block)
    return done


@pytest.fixture(scope="module")
def data():
    return a_dataset()


def test_the_worse_half_ends_early_its_scores_are_unknown_and_it_can_be_resumed(tmp_path, data):
    halved = spec(early_stop=EARLY)
    sweep = Sweep(halved, Store(tmp_path / "store"), data)
    early = [(setting, 0.5, 1) for setting in range(3)]
    assert trained(sweep, at_most=3) == early
    assert not sweep.snapshot().rows  # an early score is no result
    with_pack = Sweep(spec(early_stop=EARLY, pack=3), Store(tmp_path / "packed"), data)
    assert trained(with_pack, at_most=1) == [(0, 0.5, 3)]
    assert known(with_pack) == pytest.approx(known(sweep))  # packs change nothing

    done = trained(sweep)  # as after a kill
    ((share, (gone,)),) = rounds.decided(sweep.store, halved).ended.items()
    assert share == 0.5 and done == [(n, 1.0, 1) for n in range(3) if n != gone]
    assert status(halved, sweep.store).total == status(halved, sweep.store).finished == 2
    first, *others = api.of_snapshot(sweep.snapshot()).sentences
    assert first.startswith(
        "1 setting ended early, at 50% of the steps: its final score is unknown"
    )
    assert any("1 other ended early" in said for said in others)
    assert trained(sweep) == []
    planned = Planned.of(sweep, sweep.store.glance())
    assert planned.in_words() == "2 runs; left: nothing" and not planned.todo.more

    whole = Sweep(spec(), sweep.store, data)
    assert trained(whole) == [(gone, 1.0, 1)]
    assert len(whole.snapshot().rows) == 3
    assert not any("ended early" in said for said in whole.snapshot().answer.best.sentences)
    assert trained(Sweep(spec(early_stop={"median": 0.25}), sweep.store, data)) == []


def known(sweep: Sweep) -> list[float | None]:
    """The early scores, by setting."""
    early = EarlyScores.of(sweep)
    assert early is not None
    runs = [run for _, ids in sweep.store.recorded(sweep.spec) for run in ids.values()]
    found = [early.read(run, 10) for run in runs]
    return [each and each.score for each in found]
