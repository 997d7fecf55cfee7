"""Ray Tune in Ray's own process: each block of runs becomes one trial."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray import cloudpickle, tune
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.search import Searcher

from sweeps.cluster.trainable import trainable
from sweeps.sweepfile import Resources
from sweeps.trials.heartbeat import Listener
from sweeps.trials.trial import HELD, STOPPED
from sweeps.trials.tune_stop import Stopped, Stopping

Ask = Callable[..., Any]  # a method name of `Dispatch` and its arguments -> the result


class Order(NamedTuple):
    """What Ray's process knows about a sweep. start, home: see `trainable`; start is pickled."""

    name: str
    resources: Resources
    start: bytes | None
    home: str | None


class TuneSearch(Searcher):
    """Asks for each trial, and reports its outcome. Ray itself holds no work."""

    def __init__(self, ask: Ask):
        super().__init__()
        self._ask = ask

    def suggest(self, trial_id: str) -> Any:
        """The configuration of a trial; None for now, or FINISHED."""
        config = self._ask("suggest", trial_id)
        if config is None:
            return Searcher.FINISHED
        return None if config == "wait" else {**config, "trial": trial_id}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Passes on a trial's progress."""
        if HELD in result:
            self._ask("waits", trial_id, result[HELD])
        else:
            self._ask("reported", trial_id, result.get("step"), result.get("steps"))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Passes on how a trial ended."""
        stopped = result is not None and bool(result.get(STOPPED))
        holder = None if result is None or error else result.get(HELD)
        self._ask("ended", trial_id, stopped, error, holder)

    def save(self, checkpoint_path: str) -> None:
        """Does nothing: resuming a sweep needs only the store, never Ray's state."""

    def restore(self, checkpoint_path: str) -> None:
        """Does nothing; see `save`."""


class Tracebacks(tune.Callback):
    """Passes on why a trial failed before it could report that: its imports failed."""

    def __init__(self, ask: Ask):
        self._ask = ask

    def on_trial_error(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any
    ) -> None:
        """Ignores killed workers, since Ray can only guess why."""
        text = Path(trial.error_file).read_text() if trial.error_file else ""
        if '  File "' in text:  # a traceback
            setting, block = trial.config["setting"], trial.config["block"]
            self._ask("failed_to_start", setting, block, text)


class Rescue(tune.Callback):
    """Kills the workers that hang, upon which their trials count as failed."""

    def __init__(self, ask: Ask):
        self._ask = ask
        self._listener = Listener()

    def on_step_begin(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        """Called by Tune in each iteration of its loop."""
        configs, workers = {}, {}
        for trial in trials:
            worker = trial.temporary_state.ray_actor
            if trial.status == TuneTrial.RUNNING and worker is not None:
                configs[trial.trial_id], workers[trial.trial_id] = trial.config, worker
        for name, process in self._listener.hung(configs).items():
            self._ask("hung", name, process)
            ray.kill(workers[name])


def run_trials(ask: Ask, order: Order, folder: Path) -> None:
    """Runs trials on the Ray cluster that this process is connected to, until none is left.

    ask: calls the sweep's process. folder: for Tune's own state, which nobody reads. A trial that
    raises or dies does not stop the others.
    """
    start = None if order.start is None else cloudpickle.loads(order.start)
    try:
        # not tune.Tuner, which pickles the searcher just to be able to restore
        tune.run(
            trainable(order.home, start),
            name=order.name,
            search_alg=TuneSearch(ask),
            num_samples=-1,  # as many as the searcher proposes
            resources_per_trial={"cpu": order.resources.cpu, "gpu": order.resources.gpu},
            max_concurrent_trials=order.resources.max_concurrent,
            raise_on_failed_trial=False,
            reuse_actors=True,
            callbacks=[Tracebacks(ask), Rescue(ask)],
            stop=Stopping(ask),
            storage_path=str(folder),
            trial_dirname_creator=lambda trial: str(trial.trial_id),
            verbose=0,
        )
    except Stopped:
        return
