"""The baselines that a sweep asks for, kept in its store, and the paper's table with its models."""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from evaluation.analysis.choose import choose
from evaluation.baselines.score import baseline_id, score_baseline
from evaluation.baselines.table import Line, table
from evaluation.metrics.support.labels import MissingLabels
from sweeps.run_store import Store
from sweeps.sweep import Snapshot, Sweep
from sweeps.sweepfile import SweepSpec
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset

LATENTS = 10
BETAS = {"vae": 1.0, "beta_vae": 4.0}  # rows of the table that a sweep's settings may fill


def prepare_baselines(sweep: Sweep, console: Console) -> None:
    """Scores the baselines that the store lacks, and keeps each as soon as it is known.

    Raises UserError that names the line of `baselines` when the data lack the labels for one.
    """
    spec, store, data = sweep.spec, sweep.store, sweep.data
    for number, name in enumerate(spec.baselines):
        key = _key(name, spec, data)
        if _stored(store, key) is not None:
            continue
        console.print(f"baseline {name} on {len(data):,} images")
        start = time.monotonic()
        try:
            found = score_baseline(name, data, _options(spec))
        except MissingLabels as error:
            raise spec.error(FieldError(str(error), ("baselines", number))) from None
        record = {
            "baseline": name,
            "data": {"name": data.name, "source": data.source, "fingerprint": data.fingerprint},
            "evaluation": {"higgins": _options(spec)},
            **dataclasses.asdict(found),
            "seconds": round(time.monotonic() - start, 1),
        }
        store.write_record(key, record)


def paper_table(snapshot: Snapshot) -> tuple[Line, ...]:
    """Fig. 5's table from what the store has; empty when the sweep asks for no baselines."""
    spec, store, data = snapshot.sweep.spec, snapshot.sweep.store, snapshot.sweep.data
    if not spec.baselines:
        return ()
    scores = _trained(snapshot)
    for name in spec.baselines:
        record = _stored(store, _key(name, spec, data))
        if record is not None:
            scores[name] = [score for replica in record["scores"] for score in replica]
    return table(scores)


def _trained(snapshot: Snapshot) -> dict[str, list[float]]:
    """All scores of the sweep's own VAE and β-VAE, where it has these settings complete."""
    if "higgins" not in snapshot.sweep.metrics.evaluation or not snapshot.results:
        return {}
    choice = choose(snapshot.rows_by("higgins"))
    scores: dict[str, list[float]] = {}
    for name, beta in BETAS.items():
        for setting in choice.settings:  # best first, should they differ in more than beta
            if (setting.beta, setting.latents) == (beta, LATENTS) and setting.finished:
                classifiers = max(len(row.scores) for row in setting.rows)
                failed = (choice.failed_score,) * classifiers  # counts in full, as in the choice
                scores[name] = [s for row in setting.rows for s in row.scores or failed]
                break
    return scores


def _options(spec: SweepSpec) -> Mapping[str, Any]:
    return spec.evaluation.get("higgins", {})


def _key(name: str, spec: SweepSpec, data: Dataset) -> str:
    return f"baselines/{baseline_id(name, data, _options(spec))}.json"


def _stored(store: Store, key: str) -> dict[str, Any] | None:
    """The record of a baseline; None when there is none, or a damaged one."""
    record = store.read_record(key)
    return record if record is not None and record.get("scores") else None
