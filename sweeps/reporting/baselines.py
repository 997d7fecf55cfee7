"""A sweep's baselines, kept in its store, and the paper's table with its models."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from evaluation.analysis.choose import choose
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.baselines.ica import note as ica_note
from evaluation.baselines.score import baseline_id, score_baseline
from evaluation.baselines.table import Line, table
from evaluation.metrics.support.labels import MissingLabels
from sweeps.run_store import Store
from sweeps.sweep import Snapshot, Sweep
from sweeps.sweepfile import SweepSpec
from trainer.config.schema import FieldError
from trainer.data.dataset import Dataset

PAPER_DATA = ("dsprites", (1, 64, 64), 737_280)


@dataclass(frozen=True)
class PaperModel:
    """A model of Fig. 5 that a sweep may have trained.

    architecture: the one required to match the paper (A.1). beta, latents: None where a row of the
        table does not fix them.
    """

    objectives: tuple[str, ...]
    architecture: str
    beta: float | None = None
    latents: int | None = None

    def is_of(self, setting: SettingSummary, exactly: bool) -> bool:
        """Whether a setting is this model; `exactly`: also in the paper's architecture."""
        choices = {**setting.rows[0].shared, **setting.parameters}
        return (
            choices.get("objective") in self.objectives
            and self.beta in (None, setting.beta)
            and self.latents in (None, setting.latents)
            and (not exactly or choices.get("architecture") == self.architecture)
        )


MODELS = {
    "vae": PaperModel(("vae", "beta_vae"), "fc1200", beta=1.0, latents=10),
    "beta_vae": PaperModel(("beta_vae",), "fc1200", beta=4.0, latents=10),
    "dc_ign": PaperModel(("dc_ign",), "dc_ign"),
    "infogan": PaperModel(("infogan",), "infogan"),
}


def prepare_baselines(sweep: Sweep, console: Console) -> None:
    """Scores the baselines missing from the store, and stores each as soon as it is scored.

    Raises UserError with the line of `baselines` when the data lack labels for one.
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
    """Fig. 5's table from the store; empty when the sweep has no baselines.

    The paper's results are shown only next to results on the paper's data.
    """
    spec, store, data = snapshot.sweep.spec, snapshot.sweep.store, snapshot.sweep.data
    if not spec.baselines:
        return ()
    comparable = (data.name, tuple(data.shape), len(data)) == PAPER_DATA
    scores, notes = _trained(snapshot, comparable), {}
    for name in spec.baselines:
        record = _stored(store, _key(name, spec, data))
        if record is not None:
            scores[name] = [score for replica in record["scores"] for score in replica]
            if name == "ica":
                notes[name] = ica_note(record.get("details") or {})
    return table(scores, comparable, notes)


def _trained(snapshot: Snapshot, comparable: bool) -> dict[str, list[float]]:
    """All scores of the sweep's models of Fig. 5, where these settings are complete."""
    if "higgins" not in snapshot.sweep.metrics.evaluation or not snapshot.results:
        return {}
    choice = choose(snapshot.rows_by("higgins"))
    scores: dict[str, list[float]] = {}
    for name, model in MODELS.items():
        for setting in choice.settings:  # best first, in case they differ in more than that
            if setting.finished and model.is_of(setting, comparable):
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
