"""Ray Tune's door to the work: each block of runs becomes one trial."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import Stopper, Trainable
from ray.tune.search import Searcher

from sweeps.searcher import WAIT
from sweeps.spec import SweepSpec
from sweeps.store import Store
from sweeps.trial import Trial, config_of, job_of
from sweeps.work import Block, Observer, Work

RETRIES = 1  # of a trial that raised or whose worker died: it goes on from its checkpoints


class TuneSearch(Searcher):
    """Gives Ray Tune the blocks of `work`, one a trial.

    Ray Tune gives up the whole experiment when a method here raises. So the first error is kept in
    `error`, no more trials are handed out, and those at work go on to their end.
    """

    def __init__(self, work: Work, observer: Observer, job: Mapping[str, Any]):
        super().__init__()
        self._work, self._observer, self._job = work, observer, job
        self._blocks: dict[str, Block] = {}
        self.error: Exception | None = None

    def suggest(self, trial_id: str) -> Any:
        """The next block as the configuration of a trial; None for now, or FINISHED."""
        block = None if self.error else self._guarded(self._work.next)
        if block is None:
            return Searcher.FINISHED
        if block is WAIT:
            return None
        self._blocks[trial_id] = block
        self._guarded(self._observer.trial_began, block)
        return config_of(block, self._job)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Passes on how far a trial is."""
        block = self._blocks[trial_id]
        self._guarded(self._observer.trial_reported, block, result.get("step"), result.get("steps"))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Takes what the trial left in the store, however it ended."""
        block = self._blocks.pop(trial_id)
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


class Stop(Stopper):
    """Ends all trials, checkpointing them, once `requested` is set."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No trial is ended by its results."""
        return False

    def stop_all(self) -> bool:
        """Asked by Tune at every turn of its loop."""
        return self.requested


def run_trials(
    spec: SweepSpec,
    store: Store,
    work: Work,
    observer: Observer,
    folder: Path,
    stop: Stop,
    trainable: type[Trainable] = Trial,
) -> None:
    """Runs all of `work` on the Ray cluster that this process is connected to.

    folder: for Tune's own state, which nobody reads. Raises the first error of the driver's own
    parts; a trial that raises or dies does not stop the others.
    """
    search = TuneSearch(work, observer, job_of(spec, store, work.judging.evaluation))
    # not tune.Tuner: it pickles the searcher, and only to be able to restore
    tune.run(
        trainable,
        name=spec.name,
        search_alg=search,
        num_samples=-1,  # as many as the searcher gives
        resources_per_trial={"cpu": spec.resources.cpu, "gpu": spec.resources.gpu},
        max_concurrent_trials=spec.resources.max_concurrent,
        max_failures=RETRIES,
        raise_on_failed_trial=False,
        reuse_actors=True,
        stop=stop,
        storage_path=str(folder),
        trial_dirname_creator=lambda trial: str(trial.trial_id),
        verbose=0,
    )
    if search.error is not None:
        raise search.error
