"""A sweep's facts are worked out once, and a snapshot stays what it was."""

from pathlib import Path

from sweeps import metric_plan
from sweeps.run_store import Store
from sweeps.sweep import Sweep
from sweeps.trials.trial_queue import Block, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up


def test_a_snapshot_is_read_once_and_does_not_change_with_the_store(tmp_path: Path) -> None:
    sweep = Sweep(a_spec(), Store(tmp_path / "store"), a_dataset())
    queue = TrialQueue.resume(sweep)
    before = sweep.snapshot()
    while isinstance(block := queue.next(), Block):
        for run in block.runs:
            write_made_up(sweep.store, sweep.spec, sweep.data, run, 0.5 + 0.01 * run.config.beta)
    assert before.rows == ()
    after = sweep.snapshot()
    assert len(after.rows) == 12
    assert after.answer is after.answer
    assert after.answer.choice.settings[0].beta == 16


def test_metrics_are_planned_once(tmp_path: Path, monkeypatch) -> None:
    planned = []
    lacking = metric_plan._lacking
    monkeypatch.setattr(metric_plan, "_lacking", lambda *a: planned.append(a) or lacking(*a))
    sweep = Sweep(a_spec(), Store(tmp_path / "store"), a_dataset())
    sweep.check()
    sweep.snapshot()
    TrialQueue.resume(sweep).replay()
    assert len(planned) == 1
