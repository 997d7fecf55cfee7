"""The work of a sweep whose settings are compared before they end: one stage after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.analysis.table import RunRow
from sweeps.plan import Setting
from sweeps.run_store import Store
from sweeps.scheduling.halving import survivors
from sweeps.scheduling.schedule import Work
from sweeps.scheduling.searcher import WAIT, Searcher, Wait
from sweeps.sweepfile import SweepSpec


@dataclass(frozen=True)
class Stage:
    """What was decided at one share of the steps, by setting number."""

    kept: tuple[int, ...]
    dropped: tuple[int, ...]


class StagedSchedule:
    """Trains all settings to the first share of their steps, the better to the next, and so on.

    A stage is decided once all of its runs have reached it, from their scores there, and is written
    to the store before any run continues. So the same file gives the same runs on any machine, in
    any order of ending and after any kill. A dropped run keeps its checkpoint.

    Used like `Schedule`.
    """

    def __init__(self, spec: SweepSpec, searcher: Searcher, store: Store):
        self._spec, self._searcher, self._store = spec, searcher, store
        self._shares = (*spec.early_stop.shares, 1.0)
        self._settings: list[Setting] = []
        self._scores: dict[int, Sequence[float | None]] = {}
        self._waiting: list[Work] = []
        self._at_work = 0
        self._number = 0  # of the current stage
        self._proposed_all = False

    def ask(self) -> Work | Literal[Wait.WAIT] | None:
        """The next work; WAIT while it depends on work in progress; None after the last."""
        if not self._proposed_all:
            setting = self._propose()
            if setting is not None:
                self._settings.append(setting)
                self._waiting.append(self._work(setting))
            self._proposed_all = setting is None
        if self._waiting:
            self._at_work += 1
            return self._waiting.pop(0)
        if self._number == len(self._shares) - 1:
            return None
        if self._at_work:
            return WAIT
        self._decide()
        return self.ask()

    @property
    def stage(self) -> int:
        """How many times the settings have been compared."""
        return self._number

    @property
    def left(self) -> tuple[Sequence[Setting], float]:
        """The settings that were not dropped, and the share of their steps that all have done."""
        return tuple(self._settings), (0.0, *self._shares)[self._number]

    def tell(self, work: Work, rows: Sequence[RunRow]) -> None:
        """Reports that work has ended with these results, which decide nothing."""
        self._at_work -= 1

    def tell_early(self, work: Work, scores: Sequence[float | None]) -> None:
        """Reports the scores of work at its share of the steps; None for runs that diverged."""
        self._at_work -= 1
        self._scores[work.setting.number] = tuple(scores)

    def _propose(self) -> Setting | None:
        if len(self._settings) >= self._spec.first_settings:
            return None
        setting = self._searcher.ask()
        return setting if isinstance(setting, Setting) else None

    def _work(self, setting: Setting) -> Work:
        return Work(setting, self._spec.first_seeds, self._shares[self._number])

    def _decide(self) -> None:
        there = {setting.number for setting in self._settings}
        stage = _read(self._store, self._spec, self._number)
        if stage is None or {*stage.kept, *stage.dropped} != there:
            scores = {number: self._scores[number] for number in sorted(there)}
            kept = survivors(self._spec.early_stop, scores, self._spec.metric.goal)
            stage = Stage(tuple(sorted(kept)), tuple(sorted(there - kept)))
            record = {"kept": list(stage.kept), "dropped": list(stage.dropped)}
            self._store.write_record(_key(self._spec, self._number), record)
        self._settings = [s for s in self._settings if s.number in stage.kept]
        self._number += 1
        self._scores = {}
        self._waiting = [self._work(setting) for setting in self._settings]


def decided_stages(store: Store, spec: SweepSpec) -> dict[float, Stage]:
    """The stages decided so far, by their share of the steps, in order."""
    found: dict[float, Stage] = {}
    kept: set[int] | None = None
    for number, share in enumerate(spec.early_stop.shares):
        stage = _read(store, spec, number)
        if stage is None or (kept is not None and {*stage.kept, *stage.dropped} != kept):
            break
        kept = set(stage.kept)
        found[share] = stage
    return found


def _read(store: Store, spec: SweepSpec, number: int) -> Stage | None:
    """A stage decided before; None if it was not, or its record is damaged."""
    record: dict[str, Any] | None = store.read_record(_key(spec, number))
    try:
        return None if record is None else Stage(tuple(record["kept"]), tuple(record["dropped"]))
    except (KeyError, TypeError):
        return None


def _key(spec: SweepSpec, number: int) -> str:
    return f"sweeps/{spec.name}/{spec.search_id}/halving-{spec.halving_id}/{number:05d}.json"
