"""Shows a sweep's progress: a live table on a terminal, occasional lines elsewhere."""

import math
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evaluation.analysis.formatting import duration
from evaluation.analysis.settings.names import setting_label
from evaluation.analysis.settings.summary import SettingSummary
from sweeps.plan import Run, Setting
from sweeps.trials.trial_queue import Block, Observer, Result

LINE_SECONDS = 15.0  # between lines when the output is not a terminal
SHOWN = 12  # trials in the table, at most
ENOUGH = 0.1  # of the first trials, before the time left is estimated


class Progress(Observer):
    """Counts runs and shows them, as a context manager.

    total: runs in the whole sweep, at most. goal: "maximize" or "minimize". least: how much is
    trained in any case, in whole trainings, if it depends on scores.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        goal: str,
        clock: Callable[[], float] = time.monotonic,
        least: float | None = None,
    ):
        self._console, self._total, self._clock = console, total, clock
        self._most = float(total)
        self._least = self._most if least is None else least
        self._paused: dict[str, float] = {}  # shares of their steps that unfinished runs have done
        self._paused_before = 0.0  # their sum before this session
        self._sign = 1.0 if goal == "maximize" else -1.0
        self._trials: dict[tuple[int, int], tuple[Block, float]] = {}  # done: 0 to 1
        self._waiting: set[tuple[int, int]] = set()
        self._live: Live | None = None
        self._started: float | None = None
        self._first: tuple[float, float] | None = None  # when of the first report, and `_own` then
        self._last_line = -LINE_SECONDS
        self.stored = self.finished = self.failed = 0
        self.best: SettingSummary | None = None
        self.broken: list[Block] = []

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=self._table,
                refresh_per_second=4,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def run_ended(self, setting: Setting, run: Run, result: Result, stored: bool) -> None:
        """Counts a run by its state."""
        self.stored += stored
        self._paused.pop(run.id, None)
        if result["state"] == "failed":
            self.failed += 1
        else:
            self.finished += 1

    def run_paused(self, run: Run, share: float) -> None:
        """Counts the part of its training that this session need not do."""
        self._paused_before += share - self._paused.get(run.id, 0.0)
        self._paused[run.id] = share

    def work_left(self, least: float, most: float) -> None:
        """Keeps how much is left after a comparison."""
        done = self._done
        self._least, self._most = done + least, done + most

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """Keeps the best setting so far."""
        if summary is None or summary.score != summary.score:
            return
        if self.best is None or self._sign * (summary.score - self.best.score) > 0:
            self.best = summary

    def trial_began(self, block: Block) -> None:
        """Shows the trial; the time left is estimated from the first one on."""
        if self._started is None:
            self._started = self._clock()
        self._trials[block.key] = (block, 0.0)

    def trial_reported(self, block: Block, step: int | None, steps: int | None) -> None:
        """Shows the trial's progress."""
        if step is not None and steps:
            self._trials[block.key] = (block, step / steps)
            if self._first is None:
                self._first = (self._clock(), self._own)
        self._line()

    def trial_waits(self, block: Block, holder: str) -> None:
        """Reports once which process the trial is waiting for."""
        if block.key not in self._waiting:
            self._waiting.add(block.key)
            self._console.print(
                f"setting {block.setting.number} waits: {holder} has some of its runs"
            )

    def trial_hung(self, block: Block, process: str, seconds: float) -> None:
        """Reports which process was given up."""
        self._console.print(
            f"setting {block.setting.number}: {process} gave no sign of life for "
            f"{duration(seconds)} and was killed; its runs resume elsewhere"
        )

    def trial_ended(self, block: Block, complete: bool) -> None:
        """Removes the trial from the table."""
        self._trials.pop(block.key, None)
        if not complete:
            self.broken.append(block)
        elif block.share < 1:
            self._paused.update({run.id: block.share for run in block.runs})
        self._line()

    @property
    def trained(self) -> int:
        """Runs that ended in this session, trained or only scored."""
        return self.finished + self.failed - self.stored

    def seconds_left(self) -> float | None:
        """Estimated from this session's pace so far; None before there is one.

        What comes before the first report (imports, the images, slow first steps) happens only
        once, so it does not count, and nothing is estimated before a share of the trials is done.
        """
        return self._seconds_for(self._most)

    @property
    def _own(self) -> float:
        """What this session has trained so far, in whole trainings."""
        return self._done - self.stored - self._paused_before

    @property
    def _done(self) -> float:
        """What has been trained so far, in any session, in whole trainings."""
        at_work = sum(
            max(0.0, done - self._paused.get(run.id, 0.0))
            for block, done in list(self._trials.values())
            for run in block.runs
        )
        return self.finished + self.failed + sum(self._paused.values()) + at_work

    def _seconds_for(self, work: float) -> float | None:
        """As `seconds_left`, if the sweep takes this many whole trainings."""
        own = self._own
        running = sum(len(block.runs) for block, _ in list(self._trials.values()))
        if self._started is None or own <= 0 or own < ENOUGH * running:
            return None
        since, before = self._started, 0.0
        if self._first is not None and own > self._first[1]:
            since, before = self._first
        return max(0.0, work - self._done) * (self._clock() - since) / (own - before)

    def summary(self) -> str:
        """One line: runs by state, the best setting so far, the time left."""
        of = "at most " if self._least < self._total else ""
        parts = [f"{self.finished + self.failed} of {of}{self._total} runs"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.broken:
            one = len(self.broken) == 1
            parts.append(f"{len(self.broken)} {'trial' if one else 'trials'} failed")
        if self.best is not None:
            parts.append(f"best so far {words_of(self.best)}")
        left = self._left_in_words()
        if left:
            parts.append(left)
        return ", ".join(parts)

    def _left_in_words(self) -> str:
        most = self.seconds_left()
        if most is None:
            return ""
        if self._trials and math.isclose(self._done, self._most):
            return "scoring the last ones"
        least = self._seconds_for(self._least)
        if least is not None and duration(least) == duration(most):
            return f"about {duration(most)} left"
        if not least:
            return f"at most {duration(most)} left"
        return f"between {duration(least)} and {duration(most)} left"

    def _line(self) -> None:
        now = self._clock()
        if self._live is None and now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            self._console.print(self.summary(), highlight=False)

    def _table(self) -> Group:
        table = Table.grid(padding=(0, 2))
        trials = list(self._trials.values())
        for block, done in trials[:SHOWN]:
            table.add_row(
                *_what(block),
                ProgressBar(total=1.0, completed=done, width=24),
                "scoring" if done >= 1 else f"{done:.0%}",
            )
        if len(trials) > SHOWN:
            table.add_row(f"and {len(trials) - SHOWN} more trials")
        return Group(table, Text(self.summary()))


def _what(block: Block) -> tuple[str, str, str]:
    """Settings, parameters and number of models of a trial."""
    settings = block.all_settings
    if len(settings) == 1:
        one = block.setting
        return f"setting {one.number}", _parameters(one), f"{len(block.runs)} seeds"
    return f"{len(settings)} settings", _parameters(block.setting) + " …", f"{len(block.runs)} runs"


def _parameters(setting: Setting) -> str:
    return "  ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in setting.parameters.items()
    )


def words_of(summary: SettingSummary) -> str:
    """A setting and its score in a few words."""
    return f"{setting_label(summary)} at {summary.score:.3f}"
