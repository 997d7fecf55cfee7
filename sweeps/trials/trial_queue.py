"""The trials of a sweep in order: runs still to do, in packs that train together."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evaluation.analysis.choose import choose
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import rows_from_results
from evaluation.identity import compares_seeds
from sweeps.plan import Run, Setting
from sweeps.scheduling import rounds
from sweeps.scheduling.packs import Packs
from sweeps.scheduling.schedule import Schedule, Work
from sweeps.scheduling.searcher import Searcher, Wait
from sweeps.scheduling.stages import StagedSchedule
from sweeps.scheduling.unscored import ended_early, given_up
from sweeps.sweep import Sweep
from sweeps.sweep_results import scored
from sweeps.trials.early_scores import EarlyScore, EarlyScores, step_of

Result = Mapping[str, Any]  # the contents of a result.json


@dataclass(frozen=True)
class Block:
    """One trial: runs that are trained together.

    setting: that of its first run. number: its index among the trials that begin with that setting.
    scored: ids of the runs to score once all of them are trained: its own, or all of the setting
        where a metric compares seeds.
    settings: of each of its runs, if they differ; empty where all belong to `setting`.
    share: of their steps that the runs are trained for; below 1, they are scored there, and pause.
    """

    setting: Setting
    number: int
    runs: tuple[Run, ...]
    scored: tuple[str, ...]
    settings: tuple[Setting, ...] = ()
    share: float = 1.0

    @property
    def key(self) -> tuple[int, int]:
        """Identifies the block in its sweep."""
        return self.setting.number, self.number

    @property
    def all_settings(self) -> tuple[Setting, ...]:
        """The settings of its runs, each once, in order."""
        return tuple({s.number: s for s in self.settings or (self.setting,)}.values())


class Observer:
    """Is notified of trial events; does nothing by default."""

    def run_ended(self, setting: Setting, run: Run, result: Result, stored: bool) -> None:
        """A run has its result; `stored`: it was in the store before this session."""

    def setting_ended(self, setting: Setting, summary: SettingSummary | None) -> None:
        """All runs of a setting have ended; None when one of its trials failed."""

    def setting_pruned(self, setting: Setting) -> None:
        """`early_stop` has ended a setting."""

    def run_paused(self, run: Run, share: float) -> None:
        """A run was trained for this share of its steps before this session."""

    def work_left(self, least: float, most: float) -> None:
        """Settings were compared: how many whole trainings are left, at least and at most."""

    def trial_began(self, block: Block) -> None:
        """A block was handed to Ray."""

    def trial_reported(self, block: Block, step: int | None, steps: int | None) -> None:
        """A trial reports its progress."""

    def trial_waits(self, block: Block, holder: str) -> None:
        """A trial waits for runs that another process, `holder`, trains or scores."""

    def trial_hung(self, block: Block, process: str, seconds: float) -> None:
        """A trial gave no sign of life for so long that its process was killed."""

    def trial_ended(self, block: Block, complete: bool) -> None:
        """A trial has ended; `complete`: all of its runs have results."""


@dataclass
class _Open:
    """Seeds of a setting in progress: their results so far by run id, and the unfinished runs.

    evaluation: the id of the evaluation that its results must have.
    """

    work: Work
    runs: tuple[Run, ...]
    evaluation: str
    results: dict[str, Result] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)


class TrialQueue:
    """Hands out blocks, and reports a setting's scores to the schedule once its seeds have ended.

    The store is authoritative: a run with a result there is not handed out, and a block's outcome
    is what the store says. A setting's score comes from `choose`, as in the answer of the whole
    sweep.
    """

    def __init__(self, sweep: Sweep, searcher: Searcher, observers: Iterable[Observer] = ()):
        self._sweep, self._store = sweep, sweep.store
        batches = rounds.recorded(self._store, sweep.spec)
        self._early = EarlyScores.of(sweep)
        self._schedule: Schedule | StagedSchedule = (
            Schedule(sweep.spec, searcher, batches, sweep.place)
            if self._early is None
            else StagedSchedule(sweep.spec, searcher, sweep.store)
        )
        self._observers = tuple(observers)
        self._compares_seeds = compares_seeds(sweep.metrics.evaluation)
        self._recorded = self._store.recorded_runs(sweep.spec)
        self._rounds = len(batches)
        self._recorded_works = sum(len(b.seeds) - len(b.settings) for b in batches)
        self._open: dict[int, _Open] = {}
        self._told: set[str] = set()  # runs whose results the observers have heard of
        self._results: dict[int, dict[str, Result]] = {}  # of a race, by setting
        self._packs = Packs.of(sweep.spec, self._compares_seeds)
        self._numbers: dict[int, int] = {}  # blocks so far, by setting
        self._ready: deque[Block] = deque()

    @classmethod
    def resume(cls, sweep: Sweep, observers: Iterable[Observer] = ()) -> "TrialQueue":
        """The queue of a sweep, with previously proposed settings unchanged."""
        return cls(sweep, Searcher(sweep.spec, sweep.proposed()), observers)

    def replay(self) -> None:
        """Begins the settings in the store, so that observers hear of all its runs."""
        works = len(self._recorded) + self._recorded_works
        if len(self._recorded) >= self._sweep.spec.first_settings:
            works *= len(self._sweep.spec.early_stop.shares) + 1  # all may be asked for again
        for _ in range(works):
            work = self._ask()
            if not isinstance(work, Work):
                return  # a record was lost, and its setting waits for scores: `next` will handle it
            self._begin(work)

    def more(self) -> bool:
        """Whether there is anything left to train or to score."""
        if self._ready or self._open:
            return True
        block = self.next()
        if isinstance(block, Block):
            self._ready.appendleft(block)
        return block is not None

    def next(self) -> Block | Literal[Wait.WAIT] | None:
        """The next block; WAIT when running blocks must end first; None when none are left."""
        if self._ready:
            return self._ready.popleft()
        while not self._packs.full:
            work = self._ask()
            if not isinstance(work, Work):
                if self._packs.empty:
                    return work
                break
            self._begin(work)
        return self._block()

    def ended(self, block: Block) -> bool:
        """Takes the results of a block from the store; False when some of its runs have none.

        Runs that were given up by hand, or ended early, are not missed.

        Where seeds are compared, the runs of a setting get their results from whichever of its
        blocks ends last, and those of the others are complete when they are trained.
        """
        complete = True
        for setting in block.all_settings:
            opened = self._open[setting.number]
            own = [run for run in block.runs if run.id in opened.left]
            opened.left -= {run.id for run in own}
            if self._compares_seeds and opened.left:
                complete &= all(self._store.is_trained(run.id) for run in own)
                continue
            runs = opened.runs if self._compares_seeds else own
            new = [run for run in runs if run.id not in opened.results]
            lacking = {run.id for run in new} - self._take(opened, new, stored=False)
            lacking -= self._paused(opened, new)
            complete &= not lacking or lacking <= self._not_missed()
            if not opened.left:
                self._end(opened)
        return complete

    def _not_missed(self) -> set[str]:
        """Runs that have no result since they were ended on purpose."""
        by_hand = given_up(self._store, self._sweep.name)
        return by_hand | ended_early(self._store, self._sweep.spec)

    def _ask(self) -> Work | Literal[Wait.WAIT] | None:
        """As the schedule's `ask`; tells the observers if settings have just been compared."""
        schedule = self._schedule
        if not isinstance(schedule, StagedSchedule):
            return schedule.ask()
        stage, before = schedule.stage, schedule.left[0]
        work = schedule.ask()
        if schedule.stage > stage:
            settings, reached = schedule.left
            for setting in before:
                if setting not in settings:
                    self._tell_pruned(setting)
            runs = [run for s in settings for run in self._recorded[s.number].values()]
            left = len(set(runs) - self._told)
            least = self._sweep.spec.early_stop.least_work(len(settings), reached) / len(settings)
            for observer in self._observers:
                observer.work_left(left * least, left * (1 - reached))
        return work

    def _begin(self, work: Work) -> None:
        setting = work.setting
        every = self._sweep.runs(setting.parameters)
        ids = {run.config.seed: run.id for run in every}
        if self._recorded.get(setting.number) != ids:
            self._store.record_setting(self._sweep.spec, setting, every)
            self._recorded[setting.number] = ids
        self._record_round()  # before any of its runs can begin
        runs = tuple(run for run in every if run.config.seed in work.seeds)
        everyone = tuple(run.id for run in every)
        opened = _Open(work, runs, self._sweep.metrics.identity(everyone))
        self._open[setting.number] = opened
        taken = self._take(opened, runs, stored=True)
        paused = self._paused(opened, runs) - taken
        for run in runs:
            if run.id in paused:
                for observer in self._observers:
                    observer.run_paused(run, work.share)
        taken |= paused
        over = ended_early(self._store, self._sweep.spec) - taken
        left = [run for run in runs if run.id not in taken | over]
        opened.left = {run.id for run in left}
        self._packs.add(setting, left)
        if not left:
            self._end(opened)

    def _record_round(self) -> None:
        if isinstance(self._schedule, Schedule) and len(self._schedule.batches) > self._rounds:
            batch = self._schedule.batches[self._rounds]
            rounds.record(self._store, self._sweep.spec, self._rounds, batch)
            self._rounds += 1

    def _paused(self, opened: _Open, runs: Sequence[Run]) -> set[str]:
        """Ids of the runs that have reached the share of their steps that the work is about."""
        if opened.work.share == 1:
            return set()
        return {run.id for run in runs if self._early_score(opened.work, run) is not None}

    def _early_score(self, work: Work, run: Run) -> EarlyScore | None:
        assert self._early is not None
        return self._early.read(run.id, step_of(run.config, work.share))

    def _block(self) -> Block:
        settings, runs = self._packs.take()
        first = settings[0]
        number = self._numbers.get(first.number, 0)
        self._numbers[first.number] = number + 1
        whole = self._open[first.number].runs if self._compares_seeds else runs
        several = len({setting.number for setting in settings}) > 1
        return Block(
            setting=first,
            number=number,
            runs=tuple(runs),
            scored=tuple(run.id for run in whole),
            settings=tuple(settings) if several else (),
            share=self._open[first.number].work.share,
        )

    def _take(self, opened: _Open, runs: Sequence[Run], stored: bool) -> set[str]:
        """Keeps the results of runs that have this evaluation; returns their ids."""
        # for files written and renamed a moment ago, sizes are as good as hashes
        ids, setting = [run.id for run in runs], opened.work.setting
        found = scored(self._store, ids, setting.number, opened.evaluation, hashes=stored)
        for run in runs:
            if run.id in found:
                opened.results[run.id] = found[run.id]
                if run.id in self._told:
                    continue
                self._told.add(run.id)
                for observer in self._observers:
                    observer.run_ended(setting, run, found[run.id], stored)
        return set(found)

    def _end(self, opened: _Open) -> None:
        setting = opened.work.setting
        del self._open[setting.number]
        if isinstance(self._schedule, StagedSchedule) and opened.work.share < 1:
            self._schedule.tell_early(opened.work, self._early_scores(opened))
            return
        results, metric = opened.results, self._sweep.metrics.metric
        rows = rows_from_results(results.values(), opened.evaluation, metric)
        self._schedule.tell(opened.work, rows)
        if self._sweep.spec.racing is not None:
            known = self._results.setdefault(setting.number, {})
            known |= results
            results = known
        # a score of only some of its first seeds would be luck
        whole = len(opened.results) == len(opened.runs) or len(results) > len(opened.results)
        if not whole and self._is_pruned(opened):
            self._tell_pruned(setting)
            return
        summary = self._summary(opened.evaluation, results) if whole else None
        for observer in self._observers:
            observer.setting_ended(setting, summary)

    def _is_pruned(self, opened: _Open) -> bool:
        """Whether all runs without a result were ended early."""
        lacking = {run.id for run in opened.runs} - opened.results.keys()
        return lacking <= ended_early(self._store, self._sweep.spec)

    def _tell_pruned(self, setting: Setting) -> None:
        for observer in self._observers:
            observer.setting_pruned(setting)

    def _early_scores(self, opened: _Open) -> list[float | None]:
        """The known scores of a setting at its share of the steps; None for runs that failed."""
        scores: list[float | None] = []
        for run in opened.runs:
            found = self._early_score(opened.work, run)
            if found is not None and not found.missed:
                scores.append(found.score)
            elif found is None and opened.results.get(run.id, {}).get("state") == "failed":
                scores.append(None)
        return scores

    def _summary(self, evaluation: str, results: Mapping[str, Result]) -> SettingSummary:
        rows = rows_from_results(results.values(), evaluation, self._sweep.metrics.metric)
        return choose(rows, self._sweep.spec.metric.goal).best
