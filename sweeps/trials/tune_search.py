"""Ray Tune's door to the work: each block of runs becomes one trial."""

import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import ray
from ray import tune
from ray.exceptions import RayActorError
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.search import Searcher

from sweeps.run_store import Store
from sweeps.search.searcher import WAIT, Wait
from sweeps.search.trial_queue import Block, Observer, Work, error_key
from sweeps.siblings import HOME
from sweeps.sweepfile import SweepSpec
from sweeps.trials.carried import Start, carried
from sweeps.trials.retries import Retries
from sweeps.trials.trial import STOPPED, config_of, job_of
from sweeps.trials.tune_stop import Stop, Stopped, Stopping
from trainer.errors import UserError


class TuneSearch(Searcher):
    """Gives Ray Tune the blocks of `work`, one a trial; a block that fails is given again.

    Ray Tune gives up the whole experiment when a method here raises. So the first error is kept in
    `error`, no more trials are handed out, and those at work go on to their end.
    """

    def __init__(
        self, work: Work, observer: Observer, job: Mapping[str, Any], retries: Retries, stop: Stop
    ):
        super().__init__()
        self._work, self._observer, self._job = work, observer, job
        self._retries, self._stop = retries, stop
        self._blocks: dict[str, Block] = {}
        self._again: deque[Block] = deque()
        self._steps: dict[str, int] = {}
        self.training: set[str] = set()
        self.error: Exception | None = None

    def suggest(self, trial_id: str) -> Any:
        """The next block as the configuration of a trial; None for now, or FINISHED."""
        block = None if self.error else self._next()
        if block is None:
            return Searcher.FINISHED
        if block is WAIT:
            return None
        self._blocks[trial_id] = block
        self._guarded(self._observer.trial_began, block)
        return config_of(block, self._job)

    def _next(self) -> Block | Literal[Wait.WAIT] | None:
        if self._stop.requested:
            return WAIT
        if self._again:
            return self._again.popleft()
        block: Block | Literal[Wait.WAIT] | None = self._guarded(self._work.next)
        # one at work may have to be given again, and after FINISHED Tune never asks
        return WAIT if block is None and self._blocks and not self.error else block

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Passes on how far a trial is."""
        step, steps = result.get("step"), result.get("steps")
        if step is not None:
            self._steps[trial_id] = step
        if step is not None and step != steps:
            self.training.add(trial_id)
        else:
            self.training.discard(trial_id)
        self._guarded(self._observer.trial_reported, self._blocks[trial_id], step, steps)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Takes what the trial left in the store, however it ended."""
        block = self._blocks.pop(trial_id)
        step = self._steps.pop(trial_id, 0)
        self.training.discard(trial_id)
        if result is not None and result.get(STOPPED):
            return  # it goes on in another session
        if error and not any(node["Alive"] for node in ray.nodes()):
            self.error = self.error or UserError(
                "Ray's own processes were killed; the same command again goes on from there"
            )
        elif error and self._retries.grants(block, step):
            self._again.append(block)
            return
        complete = self._guarded(self._work.ended, block)
        self._guarded(self._observer.trial_ended, block, bool(complete))

    def save(self, checkpoint_path: str) -> None:
        """Nothing: going on with a sweep needs the store alone, never Ray's state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as `save`."""

    def _guarded(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except Exception as error:
            self.error = self.error or error
            return None


class Tracebacks(tune.Callback):
    """Keeps the traceback of a trial that could not do so itself: its imports failed."""

    def __init__(self, sweep: str, store: Store):
        self._sweep, self._store = sweep, store

    def on_trial_error(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any
    ) -> None:
        """Writes it where `Trial` writes its own, unless there is one. Never raises."""
        with contextlib.suppress(Exception):
            error = trial.get_pickled_error()
            # of a worker that was killed Ray can only guess
            if error is None or (
                isinstance(error, RayActorError) and "Traceback" not in str(error)
            ):
                return
            key = error_key(self._sweep, trial.config["setting"], trial.config["block"])
            if not self._store.exists(key):
                self._store.write_text(key, f"{error}\n")


def run_trials(
    spec: SweepSpec,
    store: Store,
    work: Work,
    observer: Observer,
    folder: Path,
    stop: Stop,
    start: Start | None = None,
    home: str | None = HOME,
) -> None:
    """Runs all of `work` on the Ray cluster that this process is connected to.

    folder: for Tune's own state, which nobody reads. start, home: see `carried`. Raises the first
    error of the driver's own parts; a trial that raises or dies does not stop the others.
    """
    job = job_of(spec, store, work.judging.evaluation)
    search = TuneSearch(work, observer, job, Retries(spec.max_failures), stop)
    try:
        # not tune.Tuner: it pickles the searcher, and only to be able to restore
        tune.run(
            carried(home, start),
            name=spec.name,
            search_alg=search,
            num_samples=-1,  # as many as the searcher gives
            resources_per_trial={"cpu": spec.resources.cpu, "gpu": spec.resources.gpu},
            max_concurrent_trials=spec.resources.max_concurrent,
            raise_on_failed_trial=False,
            reuse_actors=True,
            callbacks=[Tracebacks(spec.name, store)],
            stop=Stopping(stop, search.training),
            storage_path=str(folder),
            trial_dirname_creator=lambda trial: str(trial.trial_id),
            verbose=0,
        )
    except Stopped:
        return
    if search.error is not None:
        raise search.error
