"""Search by one of Optuna's samplers, in studies whose size is bounded."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.search import cube, space
from sweeps.search.method import ATTEMPTS, Method, Past, Problem
from sweeps.search.space import Parameter, Value

if TYPE_CHECKING:
    import optuna

STARTUP = 10  # settings taken from a Sobol sequence before any score is used
SPAN = 1_000  # settings proposed by one study; a sampler's cost grows with the size of its study
BEST, LATEST = 100, 400  # scored settings with which the next study begins


class ByStudy(Method):
    """Proposes setting n from the scores of the settings 0 … n - lookahead, told in that order.

    All later settings before n count as still running. Each proposal has a new sampler, seeded by
    n, and what a new study begins with depends only on the past, so an interrupted search
    continues with the same proposals.
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
        """0 for the first settings, then as many as `lookahead` allows."""
        return 0 if number < STARTUP else max(0, number - self.problem.lookahead + 1)

    def proposals(self, number: int, past: Past) -> Iterator[dict[str, Value]]:
        """The sampler's proposal for setting `number`, then its alternatives."""
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
            # the setting that is used returns through `past`, exactly as a recorded one does
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
            yield space.active(self.problem.parameters, trial.params)

    def _begin(self, first: int, past: Past) -> None:
        """Starts the study for settings from `first`, with the best and latest earlier ones."""
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
        """A value for every parameter: Optuna's multivariate samplers need one."""
        return {**space.first(self.problem.parameters), **setting}

    def _catch_up(self, number: int, past: Past) -> None:
        """Adds the settings before `number` to the study, with the scores it may use."""
        import optuna

        state = optuna.trial.TrialState
        self._study.sampler = optuna.samplers.RandomSampler()  # any other would sample needlessly
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
    """The parameter as an Optuna distribution."""
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
