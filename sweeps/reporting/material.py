"""A sweep of the store as its figures and its report see it."""

from pathlib import Path

from evaluation.analysis.formatting import metric_name
from evaluation.analysis.table import RunRow
from evaluation.report.material import Material
from sweeps import sweep_results
from sweeps.metric_plan import plan_metrics
from sweeps.run_store import Store, run_key
from sweeps.sweepfile import SweepSpec
from trainer.data.dataset import Dataset


def material_of(spec: SweepSpec, store: Store, data: Dataset) -> Material:
    """What the store has of the settings that are complete. Raises UserError when none is."""
    results = sweep_results.results(spec, store, data)
    rows = sweep_results.rows_of(spec, data, results)
    conclusion = sweep_results.concluded(spec, rows)

    def folder(row: RunRow) -> Path | None:
        return store.fetch(run_key(row.run)) if store.is_remote else store.run_folder(row.run)

    return Material(
        rows=rows,
        choice=conclusion.choice,
        answer=conclusion.answer,
        score_name=f"{metric_name(plan_metrics(spec, data).metric)} score",
        data=data,
        results={result["run"]: result for result in results},
        folder=folder,
    )
