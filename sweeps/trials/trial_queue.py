"""The trials of a sweep in order: settings, cut into blocks of the runs that are not yet done."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evaluation.analysis.choose import SettingSummary, choose
from evaluation.analysis.table import rows_from_results
from evaluation.identity import compares_seeds
from sweeps.plan import Run, Setting, blocks
from sweeps.search.searcher import WAIT, Searcher, Wait
from sweeps.sweep import Sweep
from sweeps.sweep_results import scored

Result = Mapping[str, Any]  # the contents of a result.json


@dataclass(frozen=True)
class Block:
    """One trial: seeds of one setting, trained together.

    number: its place in the setting. scored: ids of the runs to score once all of them are trained:
        its own, or all of the setting where a metric compares seeds.
    """

    setting: Setting
    number: int
    runs: tuple[Run, ...]
    scored: tuple[str, ...]

    @property
    def key(self) -> tuple[int, int]:
        """Names the block in its sweep."""
        return self.setting.number, self.number


class Observer:
    """Is told what happens to the trials; does nothing by itself."""

    def run_ended(self, setting: Setting, run: Run, result: Result, stored: bool) -> None:
        """A run has its result; `stored`: it was in the store before this session."""

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """All runs of a setting have ended; None when one of its trials failed."""

    def trial_began(self, block: Block) -> None:
        """A block was handed to Ray."""

    def trial_reported(self, block: Block, step: int | None, steps: int | None) -> None:
        """How far a trial is."""

    def trial_waits(self, block: Block, holder: str) -> None:
        """A trial waits for runs that another process, `holder`, trains or scores."""

    def trial_ended(self, block: Block, complete: bool) -> None:
        """A trial is over; `complete`: all of its runs have results."""


@dataclass
class _Open:
    """A setting at work: its results so far by run id, and how many blocks have not ended.

    evaluation: the id of what its results must have.
    """

    setting: Setting
    runs: tuple[Run, ...]
    evaluation: str
    results: dict[str, Result] = field(default_factory=dict)
    blocks_left: int = 0


class TrialQueue:
    """Hands out blocks, and tells the searcher a setting's score once all its blocks have ended.

    The store is the truth: a run that has a result there is not handed out, and a block has done
    what the store says it has done. A setting scores what `choose` gives it, as in the answer of
    the whole sweep.
    """

    def __init__(self, sweep: Sweep, searcher: Searcher, observers: Iterable[Observer] = ()):
        self._sweep, self._store, self._searcher = sweep, sweep.store, searcher
        self._observers = tuple(observers)
        self._compares_seeds = compares_seeds(sweep.metrics.evaluation)
        self._recorded = self._store.recorded_runs(sweep.spec)
        self._open: dict[int, _Open] = {}
        self._ready: deque[Block] = deque()

    @classmethod
    def resume(cls, sweep: Sweep, observers: Iterable[Observer] = ()) -> "TrialQueue":
        """The queue of a sweep, with the settings that were proposed before as they were."""
        return cls(sweep, Searcher(sweep.spec, sweep.proposed()), observers)

    def replay(self) -> None:
        """Begins the settings that the store has, so that the observers hear of all it holds."""
        for _ in self._recorded:
            setting = self._searcher.ask()
            if not isinstance(setting, Setting):
                return  # a record was lost, and its setting waits for scores: `next` comes to it
            self._begin(setting)

    def more(self) -> bool:
        """Whether there is anything left to train or to score."""
        if self._ready or self._open:
            return True
        block = self.next()
        if isinstance(block, Block):
            self._ready.appendleft(block)
        return block is not None

    def next(self) -> Block | Literal[Wait.WAIT] | None:
        """The next block; WAIT when blocks at work must end first; None when there is none left."""
        while not self._ready:
            setting = self._searcher.ask()
            if setting is None or setting is WAIT:
                return setting
            self._begin(setting)
        return self._ready.popleft()

    def ended(self, block: Block) -> bool:
        """Takes the results of a block from the store; False when some of its runs have none.

        Where seeds are compared, the runs of a setting get their results from whichever of its
        blocks ends last, and those of the others are complete when they are trained.
        """
        opened = self._open[block.setting.number]
        opened.blocks_left -= 1
        if self._compares_seeds and opened.blocks_left:
            return all(self._store.is_trained(run.id) for run in block.runs)
        runs = opened.runs if self._compares_seeds else block.runs
        new = [run for run in runs if run.id not in opened.results]
        complete = len(self._take(opened, new, stored=False)) == len(new)
        if opened.blocks_left == 0:
            self._end(opened)
        return complete

    def _begin(self, setting: Setting) -> None:
        runs = self._sweep.runs(setting.parameters)
        ids = {run.config.seed: run.id for run in runs}
        if self._recorded.get(setting.number) != ids:
            self._store.record_setting(self._sweep.spec, setting, runs)
        everyone = tuple(run.id for run in runs)
        opened = _Open(setting, runs, self._sweep.metrics.identity(everyone))
        self._open[setting.number] = opened
        taken = self._take(opened, runs, stored=True)
        left = [run for run in runs if run.id not in taken]
        cut = blocks(self._sweep.spec, left)
        opened.blocks_left = len(cut)
        for number, block in enumerate(cut):
            own = tuple(run.id for run in block)
            together = everyone if self._compares_seeds else own
            self._ready.append(Block(setting, number, block, together))
        if not cut:
            self._end(opened)

    def _take(self, opened: _Open, runs: Sequence[Run], stored: bool) -> set[str]:
        """Keeps the results of those runs that have one of this evaluation; their ids."""
        # of files written and renamed a moment ago, sizes tell as much as hashes
        ids = [run.id for run in runs]
        found = scored(self._store, ids, opened.setting.number, opened.evaluation, hashes=stored)
        for run in runs:
            if run.id in found:
                opened.results[run.id] = found[run.id]
                for observer in self._observers:
                    observer.run_ended(opened.setting, run, found[run.id], stored)
        return set(found)

    def _end(self, opened: _Open) -> None:
        del self._open[opened.setting.number]
        summary = self._summary(opened)
        self._searcher.tell(opened.setting.number, summary.score if summary else None)
        for observer in self._observers:
            observer.setting_ended(opened.setting, summary)

    def _summary(self, opened: _Open) -> SettingSummary | None:
        if len(opened.results) < len(opened.runs):
            return None  # a score of some of its seeds would be luck
        metric = self._sweep.metrics.metric
        rows = rows_from_results(opened.results.values(), opened.evaluation, metric)
        return choose(rows, self._sweep.spec.metric.goal).best


def error_key(sweep: str, setting: int, block: int) -> str:
    """Where in the store the traceback of a trial is kept."""
    return f"sweeps/{sweep}/errors/{setting:05d}-{block}.txt"
