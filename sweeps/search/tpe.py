"""Optuna's TPE, over a study that stays small however many settings there are."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import optuna

SPAN = 1_000  # settings that one study proposes; TPE's cost grows with what it holds
BEST, LATEST = 100, 400  # scored settings that the next study begins with


class Tpe:
    """Proposes setting n from the scores of the settings 0 … n - lookahead, told in that order.

    The others before n count as still running. A proposal depends on nothing else, and so does
    what a new study begins with: going on after an interruption proposes the same.

    distributions: Optuna's, by parameter. attempts: proposals for one setting at most.
    """

    def __init__(
        self,
        distributions: Mapping[str, Any],
        goal: Literal["maximize", "minimize"],
        seed: int,
        lookahead: int,
        attempts: int,
    ):
        import optuna  # half a second that a grid need not pay

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        self._distributions, self._goal, self._seed = dict(distributions), goal, seed
        self._lookahead, self._attempts = lookahead, attempts
        self._parameters: dict[int, Mapping[str, Any]] = {}
        self._scores: dict[int, float | None] = {}
        self._begin(0)

    def start(self, number: int, parameters: Mapping[str, Any]) -> None:
        """A setting is being tried."""
        self._parameters[number] = parameters

    def finish(self, number: int, score: float | None) -> None:
        """The score of a setting; None when it failed, which TPE leaves aside."""
        self._scores[number] = score

    def proposals(self, number: int) -> Iterator[dict[str, Any]]:
        """What TPE proposes as setting `number`, and what else it would have proposed."""
        first = number // SPAN * SPAN
        if first != self._first:
            self._begin(first)
        self._catch_up(number)
        for attempt in range(self._attempts):
            seed = np.random.SeedSequence([self._seed, number, attempt]).generate_state(1)[0]
            self._study.sampler = self._optuna.samplers.TPESampler(
                seed=int(seed), n_startup_trials=1, constant_liar=True, multivariate=True
            )
            trial = self._study.ask(self._distributions)
            # what is taken comes back by `start`: a proposal and a recorded setting end up alike
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            yield dict(trial.params)

    def _begin(self, first: int) -> None:
        """A study for the settings from `first` on, with the best and the latest before them."""
        self._first = first
        self._study: optuna.Study = self._optuna.create_study(direction=self._goal)
        self._trials: dict[int, int] = {}  # number of our setting -> number of Optuna's trial
        self._started = self._finished = max(0, first - self._lookahead + 1)
        sign = -1 if self._goal == "maximize" else 1
        scored = [n for n in range(self._started) if self._scores[n] is not None]
        best = sorted(scored, key=lambda n: sign * (self._scores[n] or 0.0))[:BEST]
        for number in sorted({*best, *scored[-LATEST:]}):
            trial = self._optuna.trial.create_trial(
                params=dict(self._parameters[number]),
                distributions=self._distributions,
                value=self._scores[number],
            )
            self._study.add_trial(trial)

    def _catch_up(self, number: int) -> None:
        """Starts in the study what is before `number`, and finishes what is known of it."""
        state = self._optuna.trial.TrialState
        self._study.sampler = self._optuna.samplers.RandomSampler()  # TPE would sample in vain
        for n in range(self._started, number):
            self._study.enqueue_trial(dict(self._parameters[n]))
            self._trials[n] = self._study.ask(self._distributions).number
        for n in range(self._finished, number - self._lookahead + 1):
            score = self._scores[n]
            if score is None:
                self._study.tell(self._trials[n], state=state.FAIL)
            else:
                self._study.tell(self._trials[n], score)
        self._started = max(self._started, number)
        self._finished = max(self._finished, number - self._lookahead + 1)
