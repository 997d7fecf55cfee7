"""The report of a sweep, made from what the store has."""

import platform
import shlex
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import metric_name
from evaluation.identity import with_defaults
from evaluation.report.report import Facts, write_report
from evaluation.traversals import Traversal, traverse_run
from sweeps.reporting.baselines import paper_table
from sweeps.run_store import Store, report_key, run_key
from sweeps.sweep import Snapshot
from sweeps.sweepfile import SweepSpec
from trainer.data.dataset import Dataset

TRAVERSED = 2  # images that the traversals of a model start from
VERSIONS = ("beta-sweep", "torch", "ray", "optuna", "mlflow")


def make_report(snapshot: Snapshot) -> Path:
    """Writes the report of the settings that are complete; returns its HTML file.

    Raises UserError when no setting is complete, or the store cannot be written to.
    """
    spec, store, data = snapshot.sweep.spec, snapshot.sweep.store, snapshot.sweep.data
    conclusion = snapshot.conclusion
    choice = conclusion.choice
    page = write_report(
        snapshot.rows,
        choice,
        store.report_folder(spec),
        name=spec.name,
        traversals=_traversals(choice, store, data),
        facts=_facts(snapshot),
        answer=conclusion.answer,
    )
    store.keep(report_key(spec))
    return page


def _traversals(choice: Choice, store: Store, data: Dataset) -> Sequence[Traversal]:
    """Of the best seed of the best setting, then of the best setting of each other latent size."""
    others = [s for s in choice.per_latents.values() if s.latents != choice.best.latents]
    images = np.random.default_rng(0).choice(
        len(data), size=min(TRAVERSED, len(data)), replace=False
    )
    found = []
    for setting in (choice.best, *others):
        row = choice.best_seed(setting)
        if row is not None:
            store.fetch(run_key(row.run))
            found.append(traverse_run(row, data, [int(i) for i in images]))
    return found


def _facts(snapshot: Snapshot) -> Facts:
    spec, data, plan = snapshot.sweep.spec, snapshot.sweep.data, snapshot.sweep.metrics
    options = with_defaults(plan.evaluation)[plan.metric]
    images = "×".join(map(str, data.shape))
    return Facts(
        score_name=f"{metric_name(plan.metric)} score",
        data=f"{data.name} ({data.source}), {len(data):,} images of {images}",
        scoring={key: str(value) for key, value in options.items() if value is not None},
        command=_command(spec),
        sweep_file=spec.text,
        versions=_versions(),
        paper=paper_table(snapshot),
    )


def _command(spec: SweepSpec) -> str:
    if spec.source is None:
        return f"sweep run {spec.name}.yaml"
    return shlex.join(["sweep", "run", spec.source.path, *spec.source.overrides.values()])


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for package in VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
