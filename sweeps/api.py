"""The sweep from Python: run it, and ask for its answer."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.analysis.answer import Best
from sweeps.overview import Glance
from sweeps.run_store import Store
from sweeps.sweep import Snapshot, Sweep
from sweeps.sweepfile import SweepSpec, load_spec, spec_of
from trainer.errors import UserError
from trainer.extensions import trust_files

Given = SweepSpec | Mapping[str, Any] | str | Path  # what callers may pass as a sweep


def run(
    sweep: Given,
    store: str | Path | Store = "store",
    address: str | None = None,
    overrides: Sequence[str] = (),
) -> Best:
    """Runs a sweep to the end, writes its report and returns the best setting.

    sweep: a sweep file (with `overrides`, `key=value` strings), a mapping with the same keys, or
        a SweepSpec.
    store: where finished runs are kept; runs already there are not trained again.
    address: a running Ray cluster; by default Ray is started on this machine.
    Raises UserError for mistakes, before anything starts, KeyboardInterrupt when stopped, and
    RuntimeError when trials failed and no setting is complete. Run it again to resume.

        run("sweeps/quickstart.yaml", store="store", overrides=["seeds=2"]).beta
    """
    from sweeps import driver  # Ray, Optuna and MLflow

    outcome = driver.run(_spec(sweep, None, overrides), _store(store), address)
    if outcome.interrupted:
        raise KeyboardInterrupt
    if outcome.answer is None:
        raise RuntimeError("no setting is complete: some of its trials failed")
    return outcome.answer.best


def best(sweep: Given, store: str | Path | Store = "store") -> Best:
    """The best setting of a sweep, given its file or the name it was run under.

    While the sweep is incomplete, it is the best so far, and the sentences say so.
    Raises UserError when no run has ended.

        best("quickstart", store="store").beta
    """
    store = _store(store)
    return of_snapshot(Sweep.load(_spec(sweep, store), store).snapshot())


def report(sweep: Given, store: str | Path | Store = "store") -> Path:
    """Writes the report of a sweep from what is in the store, and returns the HTML file."""
    from sweeps.reporting.report import make_report

    store = _store(store)
    return make_report(Sweep.load(_spec(sweep, store), store).snapshot())


def of_snapshot(snapshot: Snapshot) -> Best:
    """The answer from a snapshot; its sentences begin with what it is based on."""
    found = snapshot.answer.best
    return dataclasses.replace(found, sentences=(*snapshot.remarks, *found.sentences))


def of_other_metrics(sweep: Sweep, glance: Glance | None = None) -> dict[str, Best]:
    """The answer according to each other computed metric, where there is one."""
    found, glance = {}, glance or sweep.store.glance()
    for other in sweep.other_metrics():
        with contextlib.suppress(UserError):
            found[other.metrics.metric] = of_snapshot(other.snapshot(glance))
    return found


def _store(store: str | Path | Store) -> Store:
    return store if isinstance(store, Store) else Store(store)


def _spec(sweep: Given, store: Store | None, overrides: Sequence[str] = ()) -> SweepSpec:
    if isinstance(sweep, SweepSpec):
        return sweep
    if isinstance(sweep, Mapping):
        trust_files(sweep)
        return spec_of(sweep)
    return load_spec(sweep, overrides) if store is None else store.find_spec(sweep, overrides)
