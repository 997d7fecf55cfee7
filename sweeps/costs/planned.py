"""What a sweep would train now, and what of it the store has, whoever trained it."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.analysis.formatting import count
from evaluation.identity import compares_seeds
from sweeps.costs.cost import Cost, Todo, cost_of
from sweeps.overview import Glance
from sweeps.plan import Run, Setting
from sweeps.scheduling import rounds
from sweeps.scheduling.packs import Packs
from sweeps.scheduling.searcher import Searcher
from sweeps.scheduling.unscored import ended_early
from sweeps.stored_settings import earlier_settings
from sweeps.sweep import Sweep

MAX_TIMED = 200  # runs whose training times are read


@dataclass(frozen=True)
class PlannedSetting:
    """A setting, its runs that are certain to be trained, and how many of them the store has."""

    setting: Setting
    runs: tuple[Run, ...]
    in_store: int


@dataclass(frozen=True)
class Planned:
    """A sweep as it would be run now, to what is certain: in a race, the rounds decided so far.

    settings: those known without new scores. settings_total, ended_early: how many there are, and
    how many of them `early_stop` has ended. trials, trials_left: all, and those with anything to
    train or score. runs: how many. in_store: how many have a result. to_score: how many of these
    are to be scored again, by another metric. collapsed: runs that `early_stop` has ended, with no
    latent in use. todo: what is left to train.
    """

    sweep: Sweep
    settings: tuple[PlannedSetting, ...]
    settings_total: int
    ended_early: int
    trials: int
    trials_left: int
    runs: int
    in_store: int
    to_score: int
    collapsed: int
    todo: Todo

    @classmethod
    def of(cls, sweep: Sweep, glance: Glance) -> "Planned":
        """What the store at `glance` leaves to do."""
        spec, sure = sweep.spec, rounds.decided(sweep.store, sweep.spec)
        compares = compares_seeds(sweep.metrics.evaluation)
        trials, left, untrained = (Packs.of(spec, compares) for _ in range(3))
        known = [(setting, sweep.runs(setting.parameters)) for setting in _known(sweep, sure)]
        ended = glance.ended(run.id for _, runs in known for run in runs)
        early, settings, to_score, collapsed = ended_early(sweep.store, spec), [], 0, 0
        for setting, every in known:
            seeds = sure.seeds.get(setting.number, spec.first_seeds)
            runs = tuple(run for run in every if run.config.seed in seeds)
            evaluation = sweep.metrics.identity([run.id for run in runs])
            stored = {run.id: ended[run.id] for run in runs if run.id in ended}
            complete = {run for run, at in stored.items() if at.is_scored(evaluation)}
            to_score += len(stored) - len(complete)
            trials.add(setting, runs)
            if setting.number not in sure.dropped:
                over = {run.id for run in runs if run.id in early} - stored.keys()
                collapsed += len(over)
                left.add(setting, [run for run in runs if run.id not in complete | over])
                untrained.add(setting, [run for run in runs if run.id not in stored.keys() | over])
            settings.append(PlannedSetting(setting, runs, len(stored)))
        total = sure.settings + len(sure.dropped)
        unknown = (total - len(settings)) * trials.each
        in_store = sum(one.in_store for one in settings)
        todo = Todo(
            packs=untrained.take_all(),
            known=trials.take_all(),
            unknown=unknown,
            more=max(0, spec.most_runs - sure.runs - (len(ended) - in_store)) if spec.racing else 0,
            rescored=to_score,
            least=spec.early_stop.least_work(sure.settings, sure.reached) / max(1, sure.settings),
            most=1 - sure.reached,
        )
        return cls(
            sweep=sweep,
            settings=tuple(settings),
            settings_total=total,
            ended_early=len(sure.dropped),
            trials=len(todo.known) + unknown,
            trials_left=left.count + unknown,
            runs=sure.runs,
            in_store=in_store,
            to_score=to_score,
            collapsed=collapsed,
            todo=todo,
        )

    @property
    def runs_left(self) -> int:
        """How many are to be trained."""
        return self.runs - self.in_store - self.collapsed

    def in_words(self) -> str:
        """What the store has of it, and what is left."""
        unscored = f", {self.to_score} of them to be rescored" if self.to_score else ""
        left = []
        if self.runs_left or self.trials_left:
            trials = count(self.trials_left, "trial")
            left.append(f"{count(self.runs_left, 'run')} in {trials}" if self.runs_left else trials)
        if self.todo.more:
            left.append(f"up to {self.todo.more} that the race adds")
        early = f"; {count(self.collapsed, 'run')} ended early" if self.collapsed else ""
        what = " and ".join(left) or "nothing"
        return f"{count(self.in_store, 'run')}{unscored}{early}; left: {what}"

    def cost(self, glance: Glance, probe: bool = False) -> Cost | None:
        """The cost of what is left; None if nothing is. probe: measure it, in any case."""
        if not (self.trials_left or self.todo.more):
            return None
        own = glance.ended(run.id for one in self.settings for run in one.runs)
        runs = list(own)[:MAX_TIMED] or _of_earlier_settings(self.sweep)[:MAX_TIMED]
        return cost_of(self.sweep, self.todo, glance.results(runs).values(), probe)


def _known(sweep: Sweep, sure: rounds.Decided) -> list[Setting]:
    """The settings known without new scores: those proposed before, and all that need none."""
    spec, proposed = sweep.spec, sweep.proposed()
    searcher = Searcher(spec, proposed)
    known: list[Setting] = []
    while len(known) < spec.first_settings and isinstance(setting := searcher.ask(), Setting):
        known.append(setting)
    later = {number: p for number, p in proposed.items() if number >= len(known)}
    return [*known, *(Setting(n, p) for n, p in later.items() if n in sure.seeds)]


def _of_earlier_settings(sweep: Sweep) -> Sequence[str]:
    """Runs tried under this name before the space was changed."""
    earlier = earlier_settings(sweep.spec, sweep.store)
    return [run for one in earlier for run in one.runs.values()]
