"""What runs on a worker: trains the runs of one block as a pack, then scores them."""

import contextlib
import functools
import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.tune.result import DONE

from sweeps.run_store import Store, run_key
from sweeps.trials.trial_queue import error_key
from sweeps.trials.tune_stop import is_asked_to_stop
from trainer.errors import UserError

STEP_SECONDS = 1.0  # of training between two reports, and two looks for a wish to stop
STOPPED = "stopped"  # in the last report of a trial that was asked to stop

# torch and what needs it are imported where they are used: Ray's process imports this file, too.


class Trial:
    """One block; see `work_order.config_of`.

    Whatever it writes, it writes whole or not at all, and the same each time: a worker that
    outlives a killed driver for a moment may write what the next driver's worker writes, too.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Nothing is loaded yet: an error must surface in `step`, where it is kept."""
        self.config = config
        self._training: Any = None
        self._trained = False

    def step(self) -> dict[str, Any]:
        """Trains for about STEP_SECONDS, or scores what is trained; says how far it is."""
        try:
            if is_asked_to_stop():
                return self._stop()
            return self._score() if self._trained else self._train()
        except Exception:
            self._training = None
            self._keep_traceback()
            raise

    def _stop(self) -> dict[str, Any]:
        """Checkpoints what is not finished."""
        if self._training is not None:
            self._training.save()
            self._keep()
            self._training = None
        return {STOPPED: True, DONE: True}

    def _train(self) -> dict[str, Any]:
        if self._training is None:
            self._training = self._start()
        progress = self._training.advance(STEP_SECONDS)
        if self._training.finished:
            self._training.finish()
            self._training = None  # frees its memory before the scoring
            self._trained = True
            self._keep()
        else:
            with contextlib.suppress(UserError):  # out of reach: the next checkpoint will do
                self._keep()
        return {"step": progress.step, "steps": progress.steps}

    def _score(self) -> dict[str, Any]:
        from evaluation import evaluate
        from sweeps.reporting.picture import write_traversals

        job, store = self.config["job"], self._store()
        write_traversals(self._folders(), self._data())
        self._keep()
        # seeds that are compared may be trained by several trials: the last one scores them all
        scored = self.config["scored"]
        if all(store.is_trained(run) for run in scored):
            folders = [store.fetch(run_key(run)) for run in scored]
            evaluate(folders, self._data(), job["evaluation"], device=job["device"])
            for run in scored:
                store.keep(run_key(run))
        return {"done": True}

    def _start(self) -> Any:
        import torch

        from trainer.config.run import RunConfig
        from trainer.config.schema import build
        from trainer.extensions import trust
        from trainer.training.packing import Series

        job = self.config["job"]
        torch.set_num_threads(job["threads"])
        configs = [build(RunConfig, run["config"]) for run in self.config["runs"]]
        for config in configs:
            trust(config.sources.values())  # the driver was told it by its user
        store = self._store()
        folders = [store.fetch(run_key(run["id"])) for run in self.config["runs"]]
        # trials that share a machine or a GPU share its memory alike
        share = min(1.0, job["gpu"] or job["cpu"] / (os.cpu_count() or 1))
        return Series(configs, self._data(), folders, device=job["device"], share=share)

    def _keep(self) -> None:
        """Takes what is new in the run folders into the store."""
        store = self._store()
        for run in self.config["runs"]:
            store.keep(run_key(run["id"]))

    def _store(self) -> Store:
        return _open(self.config["job"]["store"])

    def _folders(self) -> list[Path]:
        store = self._store()
        return [store.run_folder(run["id"]) for run in self.config["runs"]]

    def _data(self) -> Any:
        return _load(json.dumps(self.config["job"]["dataset"]))

    def _keep_traceback(self) -> None:
        store = self._store()
        key = error_key(self.config["job"]["sweep"], self.config["setting"], self.config["block"])
        if not store.exists(key):  # the first one tells most
            store.write_text(key, traceback.format_exc())


@functools.lru_cache(maxsize=1)
def _open(location: str) -> Store:
    """The store, once a process, for connections to S3 are worth keeping."""
    return Store(location)


@functools.lru_cache(maxsize=1)
def _load(dataset: str) -> Any:
    """The data set, once a process; its pixels are memory-mapped, so all processes share them."""
    from trainer.data import load

    config = json.loads(dataset)
    return load(config["name"], **config["options"])
