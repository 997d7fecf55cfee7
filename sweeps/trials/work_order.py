"""A trial's instructions, as plain data that Ray sends to a worker."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sweeps.run_store import Store
from sweeps.sweepfile import SweepSpec
from sweeps.trials.early_scores import EarlyScores
from sweeps.trials.trial_queue import Block
from trainer.config.run import DatasetConfig
from trainer.data import DATASETS
from trainer.data.dataset import Dataset
from trainer.extensions import code_of, file_of, is_reference

PATIENCE = 20.0  # seconds that a trial waits for another sweep before others go first
SILENCE = 600.0  # seconds without a sign of life after which a trial counts as hung


def job_of(
    spec: SweepSpec,
    store: Store,
    evaluation: Mapping[str, Mapping[str, Any]],
    data: Dataset | None = None,
    early: EarlyScores | None = None,
) -> dict[str, Any]:
    """What all trials of a sweep share.

    evaluation: the metrics to compute. data: the images and labels that identify its results; a
        worker refuses others. early: how unfinished runs are scored, if they are.
    """
    return {
        "sweep": spec.name,
        "store": store.location,
        "dataset": _dataset(spec.dataset),
        "fingerprints": None if data is None else fingerprints(data),
        "evaluation": {name: dict(options) for name, options in evaluation.items()},
        "threads": max(1, int(spec.resources.cpu)),
        "collapsed": spec.early_stop.collapsed,
        "early": None if early is None else early.order,
        "silence": SILENCE,
        "device": "cuda" if spec.resources.gpu > 0 else "cpu",
        "cpu": spec.resources.cpu,
        "gpu": spec.resources.gpu,
    }


def fingerprints(data: Dataset) -> list[str]:
    """What distinguishes these images and labels from any others."""
    return [data.fingerprint, data.labels_fingerprint]


def _dataset(config: DatasetConfig) -> dict[str, Any]:
    """The data set, with the user's own code where its name refers to a file."""
    values = dataclasses.asdict(config)
    if is_reference(config.name):
        values["sources"] = {file_of(config.name): code_of(DATASETS, config.name)}
    return values


def config_of(block: Block, job: Mapping[str, Any], again: bool = False) -> dict[str, Any]:
    """The configuration of one trial. again: another sweep held its runs on the previous attempt.

    Only then does it wait for them: at first others go before it, without losing time.
    """
    return {
        "setting": block.setting.number,
        "block": block.number,
        "runs": [{"id": run.id, "config": run.config.as_mapping()} for run in block.runs],
        "scored": list(block.scored),
        "share": block.share,
        "patience": PATIENCE if again else 0.0,
        "job": dict(job),
    }
