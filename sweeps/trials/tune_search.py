"""Ray Tune's door to the work: each block of runs becomes one trial."""

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import ray
from ray import tune
from ray.tune import Trainable
from ray.tune.search import Searcher

from sweeps.search.searcher import WAIT, Wait
from sweeps.search.trial_queue import Block, Observer, TrialQueue
from sweeps.sweep import Sweep
from sweeps.trials.retries import Retries
from sweeps.trials.trial import STOPPED, Trial, config_of, job_of
from sweeps.trials.tune_stop import Stop, Stopped, Stopping
from trainer.errors import UserError


class TuneSearch(Searcher):
    """Gives Ray Tune the blocks of `queue`, one per trial; a block that fails is given again.

    Ray Tune gives up the whole experiment when a method here raises. So the first error is kept in
    `error`, no more trials are handed out, and those at work go on to their end.
    """

    def __init__(
        self,
        queue: TrialQueue,
        observer: Observer,
        job: Mapping[str, Any],
        retries: Retries,
        stop: Stop,
    ):
        super().__init__()
        self._queue, self._observer, self._job = queue, observer, job
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
        block: Block | Literal[Wait.WAIT] | None = self._guarded(self._queue.next)
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
                "Ray's own processes were killed; run it again to resume"
            )
        elif error and self._retries.grants(block, step):
            self._again.append(block)
            return
        complete = self._guarded(self._queue.ended, block)
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


def run_trials(
    sweep: Sweep,
    queue: TrialQueue,
    observer: Observer,
    folder: Path,
    stop: Stop,
    trainable: type[Trainable] = Trial,
) -> None:
    """Runs all of `queue` on the Ray cluster that this process is connected to.

    folder: for Tune's own state, which nobody reads. Raises the first error of the driver's own
    parts; a trial that raises or dies does not stop the others.
    """
    spec = sweep.spec
    job = job_of(spec, sweep.store, sweep.metrics.evaluation)
    search = TuneSearch(queue, observer, job, Retries(spec.max_failures), stop)
    try:
        # not tune.Tuner: it pickles the searcher, and only to be able to restore
        tune.run(
            trainable,
            name=spec.name,
            search_alg=search,
            num_samples=-1,  # as many as the searcher gives
            resources_per_trial={"cpu": spec.resources.cpu, "gpu": spec.resources.gpu},
            max_concurrent_trials=spec.resources.max_concurrent,
            raise_on_failed_trial=False,
            reuse_actors=True,
            stop=Stopping(stop, search.training),
            storage_path=str(folder),
            trial_dirname_creator=lambda trial: str(trial.trial_id),
            verbose=0,
        )
    except Stopped:
        return
    if search.error is not None:
        raise search.error
