"""A sweep in the store as seen by its figures and report."""

from pathlib import Path

from evaluation.analysis.formatting import score_name
from evaluation.analysis.table import RunRow
from evaluation.report.material import Material
from sweeps.run_store import run_key
from sweeps.sweep import Snapshot


def material_of(snapshot: Snapshot) -> Material:
    """A snapshot's material for figures. Raises UserError when no setting is complete."""
    sweep, store = snapshot.sweep, snapshot.sweep.store

    def folder(row: RunRow) -> Path | None:
        return store.fetch(run_key(row.run)) if store.is_remote else store.run_folder(row.run)

    return Material(
        rows=snapshot.rows,
        choice=snapshot.answer.choice,
        answer=snapshot.answer,
        score_name=score_name(sweep.metrics.metric),
        data=sweep.data,
        results={result["run"]: result for result in snapshot.results},
        folder=folder,
    )
