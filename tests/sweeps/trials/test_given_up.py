"""One run of a sweep given up by hand: the others continue, and to run it again takes it up."""

import pytest

from evaluation.analysis.settings.summary import SettingSummary
from sweeps import api
from sweeps.cli.main import main
from sweeps.costs.planned import Planned
from sweeps.driver import Outcome, _closing_words
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.scheduling.unscored import ended_early, give_up, given_up, take_up_again
from sweeps.sweep import Sweep
from sweeps.sweep_results import status
from sweeps.sweepfile import SweepSpec
from sweeps.trials import trial
from sweeps.trials.trial import Trial
from sweeps.trials.trial_queue import Block, Observer, TrialQueue
from sweeps.trials.work_order import config_of, job_of
from tests.sweeps.made_up import a_dataset, a_spec

QUICK = {"higgins": {"train": 50, "test": 50, "pairs": 2}}


@pytest.fixture
def sweep(tmp_path) -> Sweep:
    store = Store(tmp_path / "store")
    found = Sweep(spec(), store, a_dataset())
    store.prepare()
    found.save()
    return found


def spec() -> SweepSpec:
    space = {"latents": 3, "beta": [2]}
    training = {"architecture": "mlp", "steps": 300}
    return a_spec(parameters=space, seeds=2, evaluation=QUICK, trainer=training)


def begun(sweep: Sweep) -> tuple[TrialQueue, Block, Trial]:
    queue = TrialQueue.resume(sweep)
    block = queue.next()
    assert isinstance(block, Block)
    return queue, block, Trial(config_of(block, job_of(sweep.spec, sweep.store, QUICK)))


def test_the_others_of_its_pack_finish_and_it_is_taken_up_where_it_was(sweep, monkeypatch):
    monkeypatch.setattr(trial, "STEP_SECONDS", 0.02)
    monkeypatch.setattr(trial, "LOOK_SECONDS", 0.0)
    queue, block, first = begun(sweep)
    gone, stays = (run.id for run in block.runs)
    reached = first.step()["step"]
    assert 0 < reached < 300
    give_up(sweep.store, sweep.name, gone)
    while not first.step().get("done"):
        pass
    assert sweep.store.is_trained(stays) and not sweep.store.is_trained(gone)
    assert queue.ended(block)  # it is not missed
    assert [row.run for row in sweep.snapshot().rows] == [stays]

    take_up_again(sweep.store, sweep.name)
    queue, block, again = begun(sweep)
    assert [run.id for run in block.runs] == [gone]
    assert again.step()["step"] > reached


def test_a_run_is_named_by_the_beginning_of_its_id(sweep, capsys):
    def asked(run: str) -> tuple[int, str]:
        code = main(["stop", sweep.name, "--store", str(sweep.store.root), "--run", run])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    _, block, _ = begun(sweep)
    run = block.runs[0].id
    assert asked(run)[0] != 0 and "is not running" in asked(run)[1]
    with sweep.store.lock(sweep.name):
        assert "has no run 'zz'" in asked("zz")[1]
        code, said = asked(run[:8])
    assert code == 0 and f"run {run} will be given up" in said
    assert given_up(sweep.store, sweep.name) == {run}


def test_a_collapsed_run_is_ended_early_and_its_score_is_unknown(tmp_path):
    space = {"latents": 3, "beta": [0.1, 1000]}
    training = {"architecture": "mlp", "steps": 400, "optimizer": {"name": "adam", "lr": 0.01}}
    keys = {"parameters": space, "seeds": 2, "evaluation": QUICK, "trainer": training}
    store, data = Store(tmp_path / "store"), a_dataset()

    def trained(of: SweepSpec) -> Sweep:
        sweep = Sweep(of, store, data)
        queue = TrialQueue.resume(sweep, [heard])
        while isinstance(block := queue.next(), Block):
            blocks.append(block)
            one = Trial(config_of(block, job_of(of, store, QUICK)))
            while not one.step().get("done"):
                pass
            assert queue.ended(block)
        return sweep

    class Heard(Observer):
        pruned, ended = [], []

        def setting_pruned(self, setting: Setting) -> None:
            self.pruned.append(setting.number)

        def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
            self.ended.append(setting.number)

    blocks: list[Block] = []
    heard = Heard()
    early = a_spec(**keys, early_stop={"collapsed": 0.25})
    sweep = trained(early)
    assert {row.beta for row in sweep.snapshot().rows} == {0.1}
    assert len(ended_early(store, early)) == 2 and len(blocks) == 2
    ended, *_ = api.of_snapshot(sweep.snapshot()).sentences  # nothing else is lacking
    assert ended.startswith("2 runs were ended early, with no latent in use")
    planned = Planned.of(sweep, store.glance())
    assert planned.in_words() == "2 runs; 2 runs ended early; left: nothing"
    now = status(early, store)
    assert (now.finished, now.pending, now.total) == (2, 0, 2)
    assert (heard.pruned, heard.ended) == ([1], [0])
    trained(early)
    assert len(blocks) == 2  # they stay ended
    assert (heard.pruned, heard.ended) == ([1, 1], [0, 0])

    whole = a_spec(**keys)
    assert whole.search_id == early.search_id and not ended_early(store, whole)
    assert {row.beta for row in trained(whole).snapshot().rows} == {0.1, 1000}
    assert len(blocks) == 3


def test_a_sweep_that_ends_without_a_score_says_so(tmp_path):
    sweep = Sweep(a_spec(), Store(tmp_path / "store"), a_dataset())
    none = Outcome(None, None, 0, 0, 0, (), (), True, interrupted=False)
    assert list(_closing_words(sweep, none, ())) == [
        "no run has a score yet, so there is no answer; what was trained is kept"
    ]
