"""Time a no-op trial takes: our search, work and tracking against Ray Tune's own parts.

    python -m tests.benchmarks.orchestration [--trials N] [--json PATH]

Each side runs in a Ray session of its own, one after the other, with the same number of trials
that do nothing, one CPU each, and an MLflow database on SQLite that exists already:
- ours: `Searcher` (TPE), `TrialQueue`, `Tracker`, reused actors; each trial writes a result into
  the store, which becomes one MLflow run below the run of its setting;
- plain: `OptunaSearch` (TPE) and `MLflowLoggerCallback`, as Ray's documentation shows them.
A trial's time is that of the whole from the call of Tune until MLflow has everything, over N.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune

from evaluation.identity import evaluation_id
from evaluation.result_file import write_result
from sweeps.cluster.connection import cluster
from sweeps.cluster.ray_process import RayProcess, ray_process
from sweeps.run_store import Store
from sweeps.scheduling.searcher import Searcher
from sweeps.sweep import Sweep
from sweeps.sweepfile import Resources, SweepSpec, spec_of
from sweeps.tracking.mlflow.writer import MlflowWriter
from sweeps.tracking.tracker import Tracker
from sweeps.trials.stopping import StopRequest
from sweeps.trials.trial_queue import Observer, TrialQueue

SPACE: dict[str, Any] = {
    "name": "no-op",
    "dataset": {"name": "dsprites", "size": 32},
    "method": "bayes",
    "parameters": {
        "beta": {"distribution": "log_uniform", "min": 0.1, "max": 100},
        "latents": {"values": [2, 5, 10]},
    },
    "seeds": 1,
}


def no_training(evaluation: str) -> bytes:
    """Trials that write a made-up result at once, as `RayProcess.run` takes them."""
    root = str(Path(__file__).parents[2])

    def start(config: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        def step() -> dict[str, Any]:
            sys.path.insert(0, root)  # workers do not search the current folder
            from tests.benchmarks.orchestration import write_no_op

            write_no_op(Store(config["job"]["store"]), config, evaluation)
            return {"done": True}

        return step

    pickled: bytes = cloudpickle.dumps(start)
    return pickled


def write_no_op(store: Store, config: Mapping[str, Any], evaluation: str) -> None:
    """Writes the results of a trial that trained nothing."""
    for run in config["runs"]:
        score = 1 / (1 + abs(run["config"]["beta"] - 4))
        result = {
            "format": 1,
            "run": run["id"],
            "config": run["config"],
            "data": {"shape": [1, 32, 32]},
            "state": "finished",
            "reason": None,
            "evaluations": {evaluation: {"measures": {"higgins": {"score": score}}}},
            "files": {},
        }
        folder = store.run_folder(run["id"])
        folder.mkdir(parents=True)
        write_result(folder, result)


def ours(spec: SweepSpec, folder: Path, ray: RayProcess) -> float:
    """Seconds that all trials take with this project's parts."""
    store = Store(folder / "store")
    store.prepare()
    sweep = Sweep.load(spec, store)
    evaluation = evaluation_id(spec.evaluation, sweep.data)
    MlflowWriter(spec, store, sweep.metrics.metric)  # makes the database
    start = time.perf_counter()
    tracker = Tracker(sweep)
    queue = TrialQueue(sweep, Searcher(spec), [tracker])
    ray.run(sweep, queue, Observer(), StopRequest(), no_training(evaluation))
    if not tracker.close():
        sys.exit("; ".join(tracker.lacking()))
    return time.perf_counter() - start


def plain(trials: int, folder: Path) -> float:
    """Seconds that all trials take with Ray Tune's OptunaSearch and MLflowLoggerCallback."""
    from mlflow import MlflowClient
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.search.optuna import OptunaSearch

    uri = f"sqlite:///{folder / 'plain.db'}"
    MlflowClient(uri).create_experiment("plain")  # makes the database
    start = time.perf_counter()
    tune.Tuner(
        tune.with_resources(_score, {"cpu": 1}),
        param_space={"beta": tune.loguniform(0.1, 100), "latents": tune.choice([2, 5, 10])},
        tune_config=tune.TuneConfig(
            search_alg=OptunaSearch(), metric="score", mode="max", num_samples=trials
        ),
        run_config=tune.RunConfig(
            storage_path=str(folder),
            callbacks=[MLflowLoggerCallback(tracking_uri=uri, experiment_name="plain")],
            verbose=0,
        ),
    ).fit()
    return time.perf_counter() - start


def _score(config: dict[str, Any]) -> None:
    tune.report({"score": 1 / (1 + abs(config["beta"] - 4))})


def main() -> None:
    """Measures both, prints a line each and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args()
    spec = spec_of({**SPACE, "settings": args.trials})
    with (
        tempfile.TemporaryDirectory() as folder,
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stderr(nowhere),
    ):
        with ray_process(None, Resources(), print) as ray:
            mine = ours(spec, Path(folder), ray)
        with cluster(None, Resources(), Path(folder)):
            theirs = plain(args.trials, Path(folder))
    figures = {
        "trials": args.trials,
        "ours_seconds_a_trial": mine / args.trials,
        "plain_seconds_a_trial": theirs / args.trials,
        "ratio": theirs / mine,
    }
    print(f"ours   {1000 * mine / args.trials:8.1f} ms a trial")
    print(f"plain  {1000 * theirs / args.trials:8.1f} ms a trial")
    print(f"ratio  {theirs / mine:8.1f}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
