"""The work of a sweep: what is handed out, and what the searcher is told."""

import pytest

from evaluation.analysis.choose import choose
from sweeps.plan import runs_of
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import SweepSpec
from sweeps.trials.trial_queue import Block, Observer, TrialQueue
from tests.sweeps.made_up import a_dataset, a_spec, write_made_up


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


class Heard(Observer):
    def __init__(self) -> None:
        self.runs, self.settings = [], {}

    def run_ended(self, setting, run, result, stored):
        self.runs.append((setting.number, run.config.seed, stored))

    def setting_ended(self, setting, summary):
        self.settings[setting.number] = summary


class Told(Searcher):
    def __init__(self, spec: SweepSpec):
        super().__init__(spec)
        self.told: dict[int, float | None] = {}

    def tell(self, number, score):
        super().tell(number, score)
        self.told[number] = score


def start(spec, store) -> tuple[TrialQueue, Told, Heard]:
    searcher, heard = Told(spec), Heard()
    return TrialQueue(Sweep(spec, store, a_dataset()), searcher, [heard]), searcher, heard


def all_blocks(queue: TrialQueue) -> list[Block]:
    found = []
    while isinstance(block := queue.next(), Block):
        found.append(block)
    return found


def made_up_score(run) -> float:
    return 0.9 - 0.01 * run.config.beta - 0.1 * run.config.seed


def do(store, spec, block: Block, data) -> None:
    for run in block.runs:
        write_made_up(store, spec, data, run, made_up_score(run))


def test_every_run_of_every_setting_is_handed_out_once(store):
    queue, _, _ = start(a_spec(seeds=5, pack=2), store)
    found = all_blocks(queue)
    assert [len(block.runs) for block in found] == [2, 2, 1] * 6
    assert len({run.id for block in found for run in block.runs}) == 30
    assert len({block.key for block in found}) == 18


def test_runs_in_the_store_are_not_handed_out_again(store):
    spec, data = a_spec(), a_dataset()
    first = all_blocks(start(spec, store)[0])
    do(store, spec, first[0], data)
    write_made_up(store, spec, data, first[1].runs[1], 0.5)
    queue, searcher, heard = start(spec, store)
    left = all_blocks(queue)
    assert [block.setting.number for block in left] == [1, 2, 3, 4, 5]
    assert [run.config.seed for run in left[0].runs] == [0]
    assert list(searcher.told) == [0]
    assert heard.runs == [(0, 0, True), (0, 1, True), (1, 1, True)]


def test_nothing_is_left_when_the_store_has_everything(store):
    spec, data = a_spec(), a_dataset()
    for block in all_blocks(start(spec, store)[0]):
        do(store, spec, block, data)
    queue, searcher, _ = start(spec, store)
    queue.replay()
    assert not queue.more()
    assert list(searcher.told) == [0, 1, 2, 3, 4, 5]


def test_the_searcher_is_told_what_the_sweeps_answer_says(store):
    spec, data = a_spec(seeds=3, pack=1), a_dataset()
    queue, searcher, heard = start(spec, store)
    for block in reversed(all_blocks(queue)):
        do(store, spec, block, data)
        assert queue.ended(block)
    choice = choose(Sweep(spec, store, data).snapshot().rows, spec.metric.goal)
    expected = {s.rows[0].setting: s.score for s in choice.settings}
    assert searcher.told == pytest.approx(expected)
    assert max(searcher.told.values()) == choice.best.score == heard.settings[0].score


def test_a_diverged_seed_counts_at_chance_and_is_not_trained_again(store):
    spec, data = a_spec(), a_dataset()
    queue, searcher, _ = start(spec, store)
    block = queue.next()
    write_made_up(store, spec, data, block.runs[0], 0.85)
    write_made_up(store, spec, data, block.runs[1], None)
    assert queue.ended(block)
    assert searcher.told == {0: pytest.approx(0.85)}  # the better half of three 0.85, three 0.25
    assert [b.setting.number for b in all_blocks(start(spec, store)[0])] == [1, 2, 3, 4, 5]


def test_a_setting_whose_seeds_all_diverged_has_no_score(store):
    spec, data = a_spec(), a_dataset()
    queue, searcher, _ = start(spec, store)
    block = queue.next()
    for run in block.runs:
        write_made_up(store, spec, data, run, None)
    assert queue.ended(block)
    assert set(searcher._scores.values()) == {None}


def test_a_failed_trial_fails_its_setting_and_is_retried_in_the_next_session(store):
    spec, data = a_spec(pack=1), a_dataset()
    queue, searcher, heard = start(spec, store)
    first, second = queue.next(), queue.next()
    do(store, spec, first, data)
    assert queue.ended(first)
    assert not queue.ended(second)
    assert searcher.told == {0: None} and heard.settings == {0: None}
    assert [run.config.seed for run in all_blocks(start(spec, store)[0])[0].runs] == [1]


def test_runs_scored_by_another_metric_are_handed_out_to_be_scored(store):
    spec, data = a_spec(), a_dataset()
    for block in all_blocks(start(spec, store)[0]):
        do(store, spec, block, data)
    other = a_spec(evaluation={"higgins": {"protocol": "dlib"}})
    assert len(all_blocks(start(other, store)[0])) == 6


def test_more_seeds_keep_the_settings_and_train_only_the_new_seeds(store):
    spec, data = a_spec(), a_dataset()
    for block in all_blocks(start(spec, store)[0]):
        do(store, spec, block, data)
    more = a_spec(seeds=3)
    found = all_blocks(start(more, store)[0])
    assert [[run.config.seed for run in block.runs] for block in found] == [[2]] * 6
    recorded = store.recorded_runs(more)
    assert recorded[0] == {
        run.config.seed: run.id for run in runs_of(more, data, {"latents": 2, "beta": 1})
    }
