"""What is shown of a sweep at work."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from evaluation.analysis.settings.summary import SettingSummary
from sweeps.console.progress import LINE_SECONDS, Progress
from sweeps.plan import Run, Setting
from sweeps.trials.trial_queue import Block
from trainer.config.run import DatasetConfig, RunConfig


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def summary(beta: float, score: float) -> SettingSummary:
    nan = float("nan")
    return SettingSummary(beta, beta, 10, 2, 0, score, 0.0, (score,), nan, nan, {}, ())


def block(number: int, seeds: int = 2) -> Block:
    config = RunConfig(DatasetConfig("dsprites"))
    runs = tuple(Run(f"{number}-{seed}", config) for seed in range(seeds))
    return Block(Setting(number, {"beta": 4.0, "latents": 10}), 0, runs, ())


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(
    clock: Clock, goal: str = "maximize", terminal: bool = False
) -> tuple[Progress, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=120, highlight=False)
    return Progress(console, 8, goal, clock), output


def end(progress: Progress, work: Block, state: str = "finished", stored: bool = False) -> None:
    for run in work.runs:
        progress.run_ended(work.setting, run, {"state": state}, stored)
    progress.trial_ended(work, complete=True)


def test_time_left_is_that_of_the_rest_at_the_pace_of_this_session(clock):
    progress, _ = make(clock)
    end(progress, block(0), stored=True)  # the store's runs cost this session nothing
    assert progress.seconds_left() is None
    progress.trial_began(block(1))
    clock.now = 20.0
    progress.trial_reported(block(1), 1, 20)  # the start is slow, and does not count
    assert progress.seconds_left() is None
    clock.now = 110.0
    progress.trial_reported(block(1), 5, 10)  # 0.9 runs in 90 s; five are left
    assert progress.seconds_left() == pytest.approx(500)
    end(progress, block(1))
    assert progress.seconds_left() == pytest.approx(4 * 90 / 1.9)


def test_when_all_is_trained_the_last_ones_are_scored(clock):
    progress, _ = make(clock)
    for number in range(4):
        progress.trial_began(block(number))
        progress.trial_reported(block(number), 1, 10)
        clock.now += 10.0
    for number in range(4):
        progress.trial_reported(block(number), 10, 10)
    assert progress.summary() == "0 of 8 runs, scoring the last ones"


def test_lines_are_few_when_the_output_is_no_terminal(clock):
    progress, output = make(clock)
    with progress:
        progress.trial_began(block(0))
        for _ in range(100):
            clock.now += LINE_SECONDS / 10
            progress.trial_reported(block(0), 1, 2)
    assert 9 <= len(output.getvalue().splitlines()) <= 11
    assert "\x1b" not in output.getvalue()


def test_one_line_lists_the_factors_that_count(clock):
    progress, _ = make(clock)
    end(progress, block(0))
    end(progress, block(1), state="failed")
    progress.trial_ended(block(2), complete=False)
    progress.setting_ended(block(0).setting, summary(4.0, 0.8))
    progress.setting_ended(block(1).setting, summary(8.0, 0.7))
    progress.setting_ended(block(2).setting, None)
    assert progress.summary() == (
        "4 of 8 runs, 2 failed, 1 trial failed, best so far β 4, M 10 at 0.800"
    )


def test_the_best_is_the_lowest_when_the_goal_is_to_minimize(clock):
    progress, _ = make(clock, goal="minimize")
    for beta, score in [(1.0, 0.5), (2.0, float("nan")), (4.0, 0.3), (8.0, 0.4)]:
        progress.setting_ended(block(0).setting, summary(beta, score))
    assert progress.best.beta == 4.0


def test_a_terminal_shows_each_running_trial(clock):
    progress, output = make(clock, terminal=True)
    with progress:
        progress.trial_began(block(3))
        progress.trial_reported(block(3), 1, 4)
        progress._live.refresh()
    assert "setting 3" in output.getvalue() and "25%" in output.getvalue()


def test_the_time_left_of_a_race_and_of_runs_that_pause(clock):
    console = Console(file=io.StringIO(), width=120)
    race = Progress(console, 80, "maximize", clock, least=8)
    halved = Progress(console, 8, "maximize", clock, least=5)
    for progress, share in ((race, 1.0), (halved, 0.25)):
        clock.now = 0.0
        begun = replace(block(0), share=share)
        progress.trial_began(begun)
        progress.trial_reported(begun, 0, 100)
        clock.now = 10.0
        progress.trial_reported(begun, 25, 100)
        if share < 1:
            progress.trial_ended(begun, complete=True)
    assert race.summary() == "0 of at most 80 runs, between 2 min and 26 min left"
    assert halved.summary() == "0 of at most 8 runs, about 2 min left"
    halved.work_left(2.25, 4.5)  # the settings were compared: so many whole trainings are left
    assert halved.summary() == "0 of at most 8 runs, between 45 s and 2 min left"
    again = replace(block(0), share=0.5)
    halved.trial_began(again)
    halved.trial_reported(again, 50, 100)
    assert halved.seconds_left() == pytest.approx((4.5 - 0.5) * 10 / 1)
    halved.trial_ended(again, complete=True)
    halved.work_left(1.5, 1.5)
    assert halved.summary().endswith("about 15 s left")


def test_what_runs_had_done_before_they_paused_is_neither_left_nor_this_sessions(clock):
    progress, _ = make(clock)
    for run in block(0).runs:
        progress.run_paused(run, 0.25)
        progress.run_paused(run, 0.5)
    progress.trial_began(block(0))
    progress.trial_reported(block(0), 50, 100)
    clock.now = 10.0
    progress.trial_reported(block(0), 75, 100)  # a quarter of two runs in 10 s
    assert progress.seconds_left() == pytest.approx((8 - 1.5) * 10 / 0.5)
    end(progress, block(0))
    assert progress.seconds_left() == pytest.approx(6 * 10 / 1)
