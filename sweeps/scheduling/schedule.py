"""Decides which runs to train, and in which order, by ask and tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from evaluation.analysis.choose import choose
from evaluation.analysis.table import RunRow, together
from sweeps.plan import Setting
from sweeps.scheduling.searcher import WAIT, Searcher, Wait
from sweeps.search import candidates
from sweeps.search.space import Value
from sweeps.sweepfile import SweepSpec

if TYPE_CHECKING:
    from sweeps.scheduling import race


class Work(NamedTuple):
    """Seeds of one setting to train. share: of their steps; below 1, they are scored there."""

    setting: Setting
    seeds: tuple[int, ...]
    share: float = 1.0


@dataclass(frozen=True)
class ScheduledBatch:
    """A decided round of a race: the seeds that each setting gets, by setting number.

    settings: parameters of the settings tried for the first time, by number.
    """

    seeds: Mapping[int, tuple[int, ...]]
    settings: Mapping[int, Mapping[str, Value]]


# a setting's beta_norm and latents
Place = Callable[[Mapping[str, Value]], tuple[float, int]]


class Schedule:
    """The work of one sweep.

    First, every setting that the method proposes gets its first seeds. If `seeds` has a `min` and a
    `max`, a race for the rest follows (`race`), in rounds. A round is decided once all earlier runs
    have ended, from their scores in order of setting and seed, so the same file gives the same runs
    on any machine, in whatever order they end.

    searcher: proposes the settings. batches: rounds decided in an earlier session, which are
        repeated unchanged. place: gives a setting's position; only the method `surface` needs it.

    >>> schedule = Schedule(spec, Searcher(spec))                    # doctest: +SKIP
    >>> work = schedule.ask()                        # doctest: +SKIP
    >>> schedule.tell(work, rows)                    # doctest: +SKIP
    """

    def __init__(
        self,
        spec: SweepSpec,
        searcher: Searcher,
        batches: Sequence[ScheduledBatch] = (),
        place: Place | None = None,
    ):
        self._spec, self._searcher = spec, searcher
        self._settings: dict[int, Setting] = {}
        self._rows: dict[int, list[RunRow]] = {}
        self._handed: dict[int, int] = {}
        self._at_work = 0
        self._waiting: list[Work] = []
        self._recorded = list(batches)
        self._rule = None if spec.racing is None else rule_of(spec)
        self._candidates, self._places = self._untried(place)
        self._proposed_all = False
        self.batches: list[ScheduledBatch] = []
        self.over = self._rule is None  # whether no further round follows
        self._probabilities: dict[int, float] = {}  # by round
        self.probability: float | None = None
        self.favourite: int | None = None  # the leading setting in this session's last round

    def ask(self) -> Work | Literal[Wait.WAIT] | None:
        """The next work; WAIT while it depends on work in progress; None after the last."""
        if self._waiting:
            return self._hand(self._waiting.pop(0))
        if len(self._settings) >= self._spec.first_settings:
            self._proposed_all = True
        if not self._proposed_all:
            setting = self._searcher.ask()
            if isinstance(setting, Setting):
                self._settings[setting.number] = setting
                return self._hand(Work(setting, self._spec.first_seeds))
            if setting is WAIT:
                return WAIT
            self._proposed_all = True
        if self.over:
            return None
        if self._at_work:
            return WAIT
        self._next_round()
        return self.ask()

    def tell(self, work: Work, rows: Sequence[RunRow]) -> None:
        """Reports that work has ended. rows: its runs with a result; a lost run has none."""
        number = work.setting.number
        self._at_work -= 1
        if self._rule is not None:
            self._rows.setdefault(number, []).extend(rows)
        if number < self._searcher.proposed and work.seeds == self._spec.first_seeds:
            # a score of only some of its seeds would depend on luck
            whole = len(rows) == len(work.seeds)
            best = choose(rows, self._spec.metric.goal).best if whole else None
            self._searcher.tell(number, None if best is None else best.score)

    @property
    def _affordable(self) -> int:
        """How many more runs the budget allows."""
        return self._spec.most_runs - sum(self._handed.values())

    def _hand(self, work: Work) -> Work:
        self._at_work += 1
        number = work.setting.number
        self._handed[number] = self._handed.get(number, 0) + len(work.seeds)
        return work

    def _next_round(self) -> None:
        number = len(self.batches)
        batch = self._recorded[number] if number < len(self._recorded) else self._decide(number)
        batch = self._afforded(batch)
        if not batch.seeds.keys() <= self._settings.keys() | batch.settings.keys():
            batch = self._afforded(self._decide(number))  # the record is of another search
        if not batch.seeds:
            self.over = True
            return
        self.batches.append(batch)
        for setting, parameters in batch.settings.items():
            self._settings[setting] = Setting(setting, parameters)
        for setting, seeds in sorted(batch.seeds.items()):
            self._waiting.append(Work(self._settings[setting], seeds))

    def _afforded(self, batch: ScheduledBatch) -> ScheduledBatch:
        """The part of a round that the budget allows."""
        left, seeds = self._affordable, {}
        for setting, more in sorted(batch.seeds.items()):
            if left > 0:
                seeds[setting] = more[:left]
                left -= len(more)
        new = {setting: p for setting, p in batch.settings.items() if setting in seeds}
        return ScheduledBatch(seeds, new)

    def _decide(self, number: int) -> ScheduledBatch:
        assert self._rule is not None
        found, left = self._look(number, self._handed)
        self.probability, self.favourite = found.probability, found.favourite
        self._probabilities[number] = found.probability
        if self._confirmed(number):
            return ScheduledBatch({}, {})
        seeds: dict[int, tuple[int, ...]] = {}
        may_have = self._spec.seed_list
        for setting, more in found.seeds.items():
            first = self._handed[setting]
            seeds[setting] = may_have[first : first + more]
        new: dict[int, Mapping[str, Value]] = {}
        for place in found.new:
            setting = len(self._settings) + len(new)
            new[setting] = self._candidates[left[place]]
            seeds[setting] = may_have[:1]
        return ScheduledBatch(seeds, new)

    def _confirmed(self, number: int) -> bool:
        """Whether round `number` and enough rounds before it are certain."""
        assert self._rule is not None
        first = number + 1 - self._rule.rounds
        rounds = range(number, first - 1, -1)
        return first >= 0 and all(self._rule.sure(self._probability(n)) for n in rounds)

    def _probability(self, number: int) -> float:
        """That of an earlier round, worked out again if an earlier session decided it."""
        if number not in self._probabilities:
            handed = dict(self._handed)
            for batch in self.batches[number:]:
                for setting, seeds in batch.seeds.items():
                    handed[setting] -= len(seeds)
            found, _ = self._look(number, {n: count for n, count in handed.items() if count})
            self._probabilities[number] = found.probability
        return self._probabilities[number]

    def _look(self, number: int, handed: Mapping[int, int]) -> "tuple[race.Round, list[int]]":
        """Round `number`, decided when these numbers of seeds had been handed out and ended.

        Returns the indices of the candidates untried at that time as well.
        """
        from sweeps.scheduling import race  # here, as it imports SciPy

        assert self._rule is not None
        ended = {setting: set(self._spec.seed_list[:count]) for setting, count in handed.items()}
        known = together(r for n in ended for r in self._rows.get(n, ()) if r.seed in ended[n])
        rows = sorted(known, key=lambda row: (row.setting, row.seed))
        tried = [self._settings[setting].parameters for setting in handed]
        left = [i for i, c in enumerate(self._candidates) if c not in tried]
        return race.decide(self._rule, number, rows, handed, self._places[left]), left

    def _untried(self, place: Place | None) -> tuple[list[dict[str, Value]], np.ndarray]:
        if self._rule is None or self._spec.method != "surface":
            return [], np.empty((0, 2))
        assert place is not None, "`surface` needs to know where a setting lies"
        found = candidates.all_of(self._spec.parameters)
        return found, np.log([place(setting) for setting in found])


def rule_of(spec: SweepSpec) -> "race.Rule":
    """The rules of a sweep's race."""
    from sweeps.scheduling import race

    assert spec.racing is not None
    return race.Rule(
        most=spec.racing.max,
        within=spec.within,
        confidence=spec.confidence,
        batch=spec.lookahead,
        most_settings=spec.setting_count,
        goal=spec.metric.goal,
        seed=spec.search_seed,
    )
