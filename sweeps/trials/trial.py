"""What runs on a worker: trains the runs of one block as a pack, then scores them."""

import contextlib
import functools
import json
import math
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ray.tune.result import DONE

from sweeps.run_store import Store, error_key, run_key
from sweeps.scheduling.unscored import end_early, given_up
from sweeps.trials.early_scores import EarlyScores, step_of
from sweeps.trials.heartbeat import heart
from sweeps.trials.tune_stop import is_asked_to_stop
from sweeps.trials.work_order import fingerprints
from trainer.errors import UserError

if TYPE_CHECKING:
    from trainer.training.loop import Training

STEP_SECONDS = 1.0  # of training between reports, and between checks for a stop request
LOOK_SECONDS = 5.0  # between two looks for runs to give up
STOPPED = "stopped"  # in the last report of a trial that was asked to stop
HELD = "held"  # in a report: which other process holds a run of the trial

# torch, and the analysis, are imported where they are used: Ray's process imports this file, too.


class Trial:
    """One block; see `work_order.config_of`.

    All its writes are atomic and reproducible: a worker that briefly outlives a killed driver may
    write the same as the next driver's worker.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Loads nothing yet: errors must surface in `step`, where they are kept."""
        self.config = config
        self._training: Any = None
        self._at_work: list[Mapping[str, Any]] = []
        self._left = list(config["runs"])  # not known to be trained
        self._leases = contextlib.ExitStack()  # of the runs in training
        self._waits_since: float | None = None
        self._given_up: set[str] = set()
        self._looked = -math.inf
        heart.beat_for(config)

    def step(self) -> dict[str, Any]:
        """Trains for about STEP_SECONDS, or scores what is trained; returns its progress."""
        try:
            if is_asked_to_stop():
                return self._stop()
            self._give_up()
            return self._train() if self._left else self._score()
        except Exception:
            self._let_go()
            self._keep_traceback()
            raise

    def _give_up(self) -> None:
        """Trains on without the runs that were given up by hand, which keep their checkpoints."""
        if not self._left or time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        try:
            asked = given_up(self._store(), self.config["job"]["sweep"])
        except UserError:  # out of reach: the next look will do
            return
        gone = asked.intersection(self._ids(self._left))
        if not gone:
            return
        if self._training is not None:
            self._training.save()
            self._keep()
            self._let_go()  # those that stay start again from what was saved
        self._given_up |= gone
        self._left = [run for run in self._left if run["id"] not in gone]

    def _end_collapsed(self) -> None:
        """Records the runs that the training has left out, which keep their checkpoints."""
        for run, step in self._training.collapsed.items():
            if run not in self._given_up:
                self._keep()
                why = f"no latent was used at step {step} of {self._training.steps}"
                end_early(self._store(), self.config["job"]["sweep"], run, why)
                self._given_up.add(run)

    def _stop(self) -> dict[str, Any]:
        """Checkpoints unfinished runs."""
        if self._training is not None:
            self._training.save()
            self._keep()
        self._let_go()
        return {STOPPED: True, DONE: True}

    def _train(self) -> dict[str, Any]:
        if self._training is None:
            # another sweep may be training some of them: they are done when it is
            holders = self._leases.enter_context(self._store().lease_runs(self._ids(self._left)))
            free = [run for run in self._left if run["id"] not in holders]
            if not free:
                self._let_go()
                return self._wait(holders)
            self._training = self._start(free)
            self._at_work = free
        progress = self._training.advance(STEP_SECONDS)
        self._end_collapsed()
        if self._training.finished:
            self._training.finish()
            self._keep()
            self._left = [run for run in self._left if run not in self._at_work]
            self._let_go()  # frees its memory before the scoring, too
        else:
            with contextlib.suppress(UserError):  # unreachable: the next checkpoint will do
                self._keep()
        return {"step": progress.step, "steps": progress.steps}

    def _score(self) -> dict[str, Any]:
        from evaluation import evaluate
        from evaluation.metrics.user_metrics import codes_in
        from sweeps.trials.picture import write_traversals
        from trainer.extensions import trust

        job, store = self.config["job"], self._store()
        own = [run for run in self._ids(self.config["runs"]) if run not in self._given_up]
        scored = [run for run in self.config["scored"] if run not in self._given_up]
        if self.config["share"] < 1:  # only those that failed have ended
            own = [run for run in own if store.is_trained(run)]
            scored = own
        if not own:
            return {"done": True}
        with store.lease_runs([*own, *scored]) as holders:
            if holders:
                return self._wait(holders)
            write_traversals([store.fetch(run_key(run)) for run in own], self._data())
            for run in own:
                store.keep(run_key(run))
            # seeds that are compared may be trained by several trials: the last one scores them all
            if all(store.is_trained(run) for run in scored):
                folders = [store.fetch(run_key(run)) for run in scored]
                trust(codes_in(job["evaluation"]))  # the driver's user named it
                evaluate(folders, self._data(), job["evaluation"], device=job["device"])
                for run in scored:
                    store.keep(run_key(run))
        return {"done": True}

    def _wait(self, holders: Mapping[str, str]) -> dict[str, Any]:
        """Waits a moment for runs held by others, holding none in the meantime.

        When its patience runs out, the trial ends, to be retried after others.
        """
        self._waits_since = self._waits_since or time.monotonic()
        over = time.monotonic() - self._waits_since >= self.config["patience"]
        if not over:
            time.sleep(STEP_SECONDS)
        return {HELD: next(iter(holders.values())), **({DONE: True} if over else {})}

    def _let_go(self) -> None:
        """Ends the training, if any, and releases its runs to other sweeps."""
        self._training = None
        self._leases.close()

    def _start(self, runs: Sequence[Mapping[str, Any]]) -> Any:
        import torch

        from trainer.config.run import RunConfig
        from trainer.config.schema import build
        from trainer.device.cores import cores
        from trainer.extensions import trust
        from trainer.training.packing import Series

        job = self.config["job"]
        torch.set_num_threads(job["threads"])
        configs = [build(RunConfig, run["config"]) for run in runs]
        for config in configs:
            trust(config.sources.values())  # the driver's user named it
        store = self._store()
        folders = [store.fetch(run_key(run["id"])) for run in runs]
        # trials that share a machine or a GPU share its memory equally
        share = min(1.0, job["gpu"] or job["cpu"] / cores())
        until = None if job.get("early") is None else step_of(configs[0], self.config["share"])
        return Series(
            configs,
            self._data(),
            folders,
            device=job["device"],
            share=share,
            end_collapsed=job.get("collapsed"),
            until=until,
            paused=self._score_early,
        )

    def _score_early(self, training: "Training") -> None:
        """Scores a pack that has been trained for the share of its steps that the trial is about.

        Scores follow their checkpoints into the store, so that a run that has one can resume.
        """
        from evaluation.early_score import early_scores
        from evaluation.metrics.user_metrics import codes_in
        from trainer.extensions import trust

        self._keep()
        early = EarlyScores.ordered(self._store(), self.config["job"]["early"])
        step = step_of(training.config, self.config["share"])
        missed = training.step > step
        scores: list[float | None] = [None] * len(training.unfinished)
        if not missed:
            trust(codes_in(early.evaluation))  # the driver's user named it
            training.pack.eval()
            scores = early_scores(training.pack, self._data(), early.evaluation)
        for run, score in zip(training.unfinished, scores, strict=True):
            early.write(run, step, score, missed)

    def _keep(self) -> None:
        """Copies new files of the runs in training to the store."""
        store = self._store()
        for run in self._at_work:
            store.keep(run_key(run["id"]))

    def _store(self) -> Store:
        return _open(self.config["job"]["store"])

    @staticmethod
    def _ids(runs: Iterable[Mapping[str, Any]]) -> list[str]:
        return [run["id"] for run in runs]

    def _data(self) -> Any:
        job = self.config["job"]
        data, wanted = _load(json.dumps(job["dataset"])), job.get("fingerprints")
        if wanted is not None and fingerprints(data) != wanted:
            raise UserError(
                f"the images or labels of {data.name!r} are not those that the sweep began with: "
                "were its files changed? Run it again to use them as they are now"
            )
        return data

    def _keep_traceback(self) -> None:
        store = self._store()
        key = error_key(self.config["job"]["sweep"], self.config["setting"], self.config["block"])
        if not store.exists(key):  # the first one is the most informative
            store.write_text(key, traceback.format_exc())


@functools.lru_cache(maxsize=1)
def _open(location: str) -> Store:
    """The store, once per process, since S3 connections are worth keeping."""
    return Store(location)


@functools.lru_cache(maxsize=1)
def _load(dataset: str) -> Any:
    """The data set, once per process; its pixels are memory-mapped, so all processes share them."""
    from trainer.data import load
    from trainer.extensions import trust

    config = json.loads(dataset)
    sources = config.get("sources", {})
    trust(sources.values())  # the driver's user named it
    return load(config["name"], sources=sources, **config["options"])
