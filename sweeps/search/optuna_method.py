"""A search by one of Optuna's samplers, over a study that stays small however many settings."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.search import cube
from sweeps.search.method import ATTEMPTS, Method, Past, Problem
from sweeps.sweepfile import space
from sweeps.sweepfile.space import Parameter, Value

if TYPE_CHECKING:
    import optuna

STARTUP = 10  # settings that are taken from the Sobol sequence before any score is looked at
SPAN = 1_000  # settings that one study proposes; a sampler's cost grows with what it holds
BEST, LATEST = 100, 400  # scored settings that the next study begins with


class ByStudy(Method):
    """Proposes setting n from the scores of the settings 0 … n - lookahead, told in that order.

    The others before n count as still running. A sampler is made anew for each proposal, seeded by
    n, and what a new study begins with depends on the past alone: after an interruption the
    proposals are the same.
    """

    uses_scores = True

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self._startup = cube.sobol(len(problem.parameters), problem.seed)
        self._distributions = {n: distribution(p) for n, p in problem.parameters.items()}
        self._first: int | None = None

    @abstractmethod
    def sampler(self, seed: int) -> "optuna.samplers.BaseSampler":
        """Optuna's sampler for one proposal."""

    def needs(self, number: int) -> int:
        """None for the first settings, then all that `lookahead` lets a proposal see."""
        return 0 if number < STARTUP else max(0, number - self.problem.lookahead + 1)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """What the sampler proposes as setting `number`, and what else it would have proposed."""
        if number < STARTUP:
            yield from cube.settings_at(self.problem.parameters, self._startup, ATTEMPTS)
            return
        import optuna

        first = number // SPAN * SPAN
        if first != self._first:
            self._begin(first, past)
        self._catch_up(number, past)
        for attempt in range(ATTEMPTS):
            seed = np.random.SeedSequence([self.problem.seed, number, attempt])
            self._study.sampler = self.sampler(int(seed.generate_state(1)[0]))
            trial = self._study.ask(self._distributions)
            # what is taken comes back in the past: a proposal and a recorded setting end up alike
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
            yield space.active(self.problem.parameters, trial.params)

    def _begin(self, first: int, past: Past) -> None:
        """A study for the settings from `first` on, with the best and the latest before them."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._first = first
        self._study = optuna.create_study(direction=self.problem.goal)
        self._trials: dict[int, int] = {}  # number of our setting -> number of Optuna's trial
        self._started = self._finished = max(0, first - self.problem.lookahead + 1)
        sign = -1 if self.problem.goal == "maximize" else 1
        scored = [n for n in range(self._started) if past.scores[n] is not None]
        best = sorted(scored, key=lambda n: sign * (past.scores[n] or 0.0))[:BEST]
        for number in sorted({*best, *scored[-LATEST:]}):
            trial = optuna.trial.create_trial(
                params=self._filled(past.parameters[number]),
                distributions=self._distributions,
                value=past.scores[number],
            )
            self._study.add_trial(trial)

    def _filled(self, setting: Mapping[str, Value]) -> dict[str, Value]:
        """A value for every parameter, as Optuna's samplers of several need it."""
        return {**space.first(self.problem.parameters), **setting}

    def _catch_up(self, number: int, past: Past) -> None:
        """Starts in the study what is before `number`, and finishes what is known of it."""
        import optuna

        state = optuna.trial.TrialState
        self._study.sampler = optuna.samplers.RandomSampler()  # another would sample in vain
        for n in range(self._started, number):
            self._study.enqueue_trial(self._filled(past.parameters[n]))
            self._trials[n] = self._study.ask(self._distributions).number
        for n in range(self._finished, self.needs(number)):
            score = past.scores[n]
            if score is None:
                self._study.tell(self._trials[n], state=state.FAIL)
            else:
                self._study.tell(self._trials[n], score)
        self._started = max(self._started, number)
        self._finished = max(self._finished, self.needs(number))


def distribution(parameter: Parameter) -> Any:
    """The parameter as Optuna knows it."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if parameter.choices is not None:
        return CategoricalDistribution(parameter.choices)
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
