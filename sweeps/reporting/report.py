"""The report of a sweep, made from the store."""

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.analysis.choose import Choice
from evaluation.analysis.formatting import score_name
from evaluation.identity import with_defaults
from evaluation.report.facts import SweepFacts
from evaluation.report.figures import FIGURES, IN_REPORT
from evaluation.report.material import Drawn, Lacking, Material
from evaluation.report.page_sample import OnPage, on_page
from evaluation.report.report import SUMMARY, write_report
from evaluation.report.traversals import Traversal, is_kept, traverse_run
from sweeps import by_eye
from sweeps.console.printing import command
from sweeps.reporting.baselines import paper_table
from sweeps.reporting.material import material_of
from sweeps.reporting.provenance import provenance
from sweeps.run_store import Store, run_key
from sweeps.sweep import Snapshot
from sweeps.sweepfile import SweepSpec
from sweeps.tracking.mlflow.pages import pages_of
from trainer.data.dataset import Dataset
from trainer.data.holdout import unseen
from trainer.run_files import TRAVERSAL_FILE

TRAVERSED = 2  # images from which a model's traversals start


def make_report(snapshot: Snapshot) -> Path:
    """Writes the report of the complete settings; returns its HTML file.

    Raises UserError when no setting is complete, or the store cannot be written to.
    """
    spec, store, data = snapshot.sweep.spec, snapshot.sweep.store, snapshot.sweep.data
    choice = snapshot.answer.choice
    page = write_report(
        snapshot.rows,
        choice,
        store.path(snapshot.sweep.report_key),
        name=spec.name,
        traversals=_traversals(choice, store, data),
        facts=_facts(snapshot),
        answer=snapshot.answer,
        figures=_figures(material_of(snapshot)),
        run_pictures=_run_pictures(on_page(snapshot.rows, choice), store),
        previous=store.read_json(f"{snapshot.sweep.report_key}/{SUMMARY}"),
    )
    store.keep(snapshot.sweep.report_key)
    return page


def _traversals(choice: Choice, store: Store, data: Dataset) -> Sequence[Traversal]:
    """Traversals of a typical run of the best setting, then of the best at each other latent size.

    Held-out images if there are any. Runs with only scores in the store are left out.
    """
    data = unseen(data)
    others = [s for s in choice.per_latents.values() if s.latents != choice.best.latents]
    images = np.random.default_rng(0).choice(
        len(data), size=min(TRAVERSED, len(data)), replace=False
    )
    found = []
    for setting in (choice.best, *others):
        row = setting.representative
        if row is not None and is_kept(store.fetch(run_key(row.run))):
            found.append(traverse_run(row, data, [int(i) for i in images]))
    return found


def _figures(sweep: Material) -> Iterator[tuple[str, Drawn]]:
    """The figures for which the sweep has the data."""
    for name in IN_REPORT:
        with contextlib.suppress(Lacking):
            yield name, FIGURES[name](sweep)


def _run_pictures(page: OnPage, store: Store) -> Iterator[tuple[str, bytes]]:
    """The traversals of the runs on the page: one per setting, best settings first; then the rest.

    Nothing for a remote store, from which each would have to be fetched.
    """
    if store.is_remote:
        return
    first = [row for setting in page.choice.settings if (row := setting.representative)]
    shown = {row.run for row in first}
    for row in (*first, *(row for row in page.rows if row.run not in shown)):
        path = store.run_folder(row.run) / TRAVERSAL_FILE
        if path.is_file():
            yield row.run, path.read_bytes()


def _facts(snapshot: Snapshot) -> SweepFacts:
    spec, data, plan = snapshot.sweep.spec, snapshot.sweep.data, snapshot.sweep.metrics
    images = "×".join(map(str, data.shape))
    chosen = by_eye.chosen(snapshot.sweep.store, spec.name)
    pages = pages_of(snapshot.sweep.store, spec.name)
    start = "" if pages is None or pages.served else command("ui", store=snapshot.sweep.store)
    return SweepFacts(
        score_name=score_name(plan.metric),
        data=f"{data.name} ({data.source}), {len(data):,} images of {images}",
        scoring=_scoring(snapshot),
        command=_command(spec),
        sweep_file=spec.text,
        chosen=by_eye.sentence(chosen) if chosen else "",
        mlflow={} if pages is None else {row.run: pages.of(row.run) for row in snapshot.rows},
        mlflow_start=start,
        provenance=provenance(snapshot),
        paper=paper_table(snapshot),
    )


def _scoring(snapshot: Snapshot) -> dict[str, str]:
    """The options of the metric as used: 960 images if the data set has no more."""
    plan = snapshot.sweep.metrics
    options = with_defaults(plan.evaluation)[plan.metric]
    if options.get("images"):
        options["images"] = min(options["images"], len(snapshot.sweep.data))
    for result in snapshot.results:
        evaluation = result["evaluations"].get(result["evaluation"])
        if evaluation is not None:
            used = evaluation["measures"][plan.metric]
            # a threshold may share its name with what it counts: `used` of the indicators
            same = [key for key in options.keys() & used.keys() if type(options[key]) is not float]
            options |= {key: used[key] for key in same}
            break
    return {key: _text(value) for key, value in options.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _command(spec: SweepSpec) -> str:
    if spec.source is None:
        return f"sweep run {spec.name}.yaml"
    return shlex.join(["sweep", "run", spec.source.path, *spec.source.overrides.values()])
