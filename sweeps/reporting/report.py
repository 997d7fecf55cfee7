"""The report of a sweep, made from what the store has."""

import platform
import shlex
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from evaluation.analysis.answer import Answer
from evaluation.analysis.formatting import metric_name
from evaluation.identity import with_defaults
from evaluation.report.report import Facts, write_report
from evaluation.traversals import Traversal, traverse_run
from sweeps import sweep_results
from sweeps.metric_plan import plan_metrics
from sweeps.plan import load_data
from sweeps.reporting.baselines import paper_table
from sweeps.run_store import Store, report_key, run_key
from sweeps.sweepfile import SweepSpec
from trainer.data.dataset import Dataset

TRAVERSED = 2  # images that the traversals of a model start from
VERSIONS = ("beta-sweep", "torch", "ray", "optuna", "mlflow")


def make_report(spec: SweepSpec, store: Store) -> Path:
    """Writes the report of the settings that are complete; returns its HTML file.

    Raises UserError when no setting is complete, or the store cannot be written to.
    """
    data = load_data(spec)
    rows = sweep_results.rows(spec, store, data)
    answer = sweep_results.answered(spec, rows)
    page = write_report(
        rows,
        answer.choice,
        store.report_folder(spec),
        name=spec.name,
        traversals=_traversals(answer, store, data),
        facts=_facts(spec, store, data),
        answer=answer,
    )
    store.keep(report_key(spec))
    return page


def _traversals(answer: Answer, store: Store, data: Dataset) -> Sequence[Traversal]:
    """Of the representative of the best setting, then of that of each other latent size."""
    best = answer.best.setting
    others = [b.setting for m, b in answer.per_latents.items() if m != best.latents]
    images = np.random.default_rng(0).choice(
        len(data), size=min(TRAVERSED, len(data)), replace=False
    )
    found = []
    for setting in (best, *others):
        row = setting.representative
        if row is not None:
            store.fetch(run_key(row.run))
            found.append(traverse_run(row, data, [int(i) for i in images]))
    return found


def _facts(spec: SweepSpec, store: Store, data: Dataset) -> Facts:
    judged = plan_metrics(spec, data)
    options = with_defaults(judged.evaluation)[judged.metric]
    images = "×".join(map(str, data.shape))
    return Facts(
        score_name=f"{metric_name(judged.metric)} score",
        data=f"{data.name} ({data.source}), {len(data):,} images of {images}",
        scoring={key: str(value) for key, value in options.items() if value is not None},
        command=_command(spec),
        sweep_file=spec.text,
        versions=_versions(),
        paper=paper_table(spec, store, data),
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
