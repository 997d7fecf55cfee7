"""Writes a sweep to MLflow: a run for the sweep, children per setting, grandchildren per seed."""

import math
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from evaluation.analysis.answer import Answer, Best
from evaluation.analysis.settings.summary import SettingSummary
from evaluation.analysis.table import flatten
from evaluation.result_file import RESULT
from sweeps import by_eye
from sweeps.plan import Setting
from sweeps.run_store import Store, mlflow_key, run_key, spec_key
from sweeps.sweepfile import SweepSpec
from sweeps.tracking.mlflow import pages
from sweeps.tracking.mlflow.database import artifacts_of, connect
from sweeps.tracking.mlflow.note import PICTURE, model_card, sweep_note
from sweeps.tracking.mlflow.runs import PARENT, RUNNING, Runs, TrackedRun, key_of
from sweeps.tracking.mlflow.values import (
    LONGEST,
    answer_params,
    curves,
    place,
    points,
    scores,
    setting_name,
    shares,
)
from trainer.run_files import CONFIG_FILE, HISTORY_FILE, MODEL_FILE, TRAVERSAL_FILE

FILES = (CONFIG_FILE, RESULT, HISTORY_FILE, TRAVERSAL_FILE)
NOTE, SAID = "mlflow.note.content", "said"  # the note MLflow shows, and the one we wrote
BEST = "best"  # the tag of the best setting's run, and of its representative seed's


class MlflowWriter:
    """One connection to MLflow. Every method may be called again: it completes what exists.

    Writes to `$MLFLOW_TRACKING_URI` if set, else to mlflow.db in the store.
    """

    def __init__(self, spec: SweepSpec, store: Store, metric: str):
        self._spec, self._store, self._metric = spec, store, metric
        self._lineage = _lineage(spec, store)
        self._runs = Runs(connect(store), spec.name, artifacts_of(store, spec.name))
        self._sweep: TrackedRun
        self._adopt()
        pages.record(store, spec.name, self._runs.experiment)

    def write_run(self, setting: Setting, result: Mapping[str, Any]) -> None:
        """The run of one seed: params, scores, training curves, and its files as artifacts.

        They include the model if the store is on this machine; otherwise it stays only in the
        store.
        """
        config, key = result["config"], run_key(result["run"])
        tags = {
            "kind": "run",
            "run": result["run"],
            "setting": str(setting.number),
            "state": result["state"],
            "reason": (result.get("reason") or "")[:LONGEST],
            "folder": f"{self._store.location}/{key}",
            "evaluation": result["evaluation"],
        }
        parent, run = self._runs.find(self._setting_tags(setting.number)), self._runs.find(tags)
        if parent is not None and run is not None and run.says({**tags, PARENT: parent.id}):
            return
        # a remote store keeps its models: otherwise all would pass through this process
        names = FILES if self._store.is_remote else (*FILES, MODEL_FILE)
        files = {name: self._store.local(f"{key}/{name}") for name in names}
        end = self._end([result["run"]])
        start = end - round(1000 * float((result.get("training") or {}).get("seconds") or 0))
        name = setting_name(setting.parameters, config["beta"], config["latents"])
        tags[PARENT] = self._setting(setting, name, start).id
        run = self._runs.ensure(tags, f"{name} · seed {config['seed']}", start)
        pixels = math.prod(result["data"]["shape"])
        beta_norm = config["beta"] * config["latents"] / pixels
        params = flatten(config) | {"beta_norm": beta_norm}
        level = place(config["beta"], beta_norm, config["latents"])
        found = [*scores(result, end), *curves(files[HISTORY_FILE], start, end)]
        score = next((value for name, value, *_ in found if name == self._metric), None)
        found += points(level | ({} if score is None else {"score": score}), end)
        self._runs.log(run, found, params, tags)
        self._runs.attach(run, files.values())
        self._runs.finish(run, "FINISHED" if result["state"] == "finished" else "FAILED", end)

    def write_setting(self, setting: Setting, summary: SettingSummary) -> None:
        """The run of one setting: its score over its seeds."""
        figures = {
            self._metric: summary.score,
            "score": summary.score,
            "score.error": summary.error,
            **place(summary.beta, summary.beta_norm, summary.latents),
            "spread": summary.spread,
            "seeds": summary.seeds,
            "failed": summary.failed,
            "reconstruction": summary.reconstruction,
            "kl": summary.kl,
        }
        figures = {key: float(value) for key, value in figures.items() if math.isfinite(value)}
        run = self._runs.find(self._setting_tags(setting.number))
        if run is not None and run.status != RUNNING and figures.items() <= run.metrics.items():
            return
        end = self._end(row.run for row in summary.rows)
        name = setting_name(setting.parameters, summary.beta, summary.latents)
        run = self._setting(setting, name, end)
        params = {"beta": summary.beta, "beta_norm": summary.beta_norm, "latents": summary.latents}
        self._runs.log(run, points(figures, end), {**flatten(setting.parameters), **params}, {})
        self._runs.finish(run, "FINISHED", end)

    def write_sweep(self, answer: Answer, report: Path | None) -> None:
        """The run of the sweep: the best setting and its certainty, its file and its report.

        The runs of the best setting and of its representative seed get the tag `best`, and that
        seed's model is registered.
        """
        best = answer.best
        figures = {
            self._metric: best.score,
            "score": best.score,
            "score.error": best.setting.error,
            **place(best.beta, best.beta_norm, best.latents),
            "spread": best.setting.spread,
            "seeds": float(best.seeds),
            "failed": float(best.failed),
            "reconstruction": best.setting.reconstruction,
            "kl": best.setting.kl,
            "best.beta": best.beta,
            "best.beta_norm": best.beta_norm,
            "best.latents": float(best.latents),
        }
        if best.standing is not None and best.interval is not None:
            low, high = best.interval
            figures |= {"best.interval.low": low, "best.interval.high": high}
            figures |= {"beta.low": low, "beta.high": high}
            figures["best.probability"] = best.standing.probability_best
            figures["best.probability_within"] = best.standing.probability_within
            figures["best.expected_loss"] = best.standing.expected_loss
        figures |= shares(answer.matters)
        now = round(1000 * time.time())
        params = answer_params(answer)
        if any(self._sweep.params.get(key, text) != text for key, text in params.items()):
            self._sweep = self._runs.renew(self._sweep)
            self._adopt()
        new = {
            key: v
            for key, v in figures.items()
            if math.isfinite(v) and self._sweep.metrics.get(key) != v
        }
        by_hand = by_eye.chosen(self._store, self._spec.name)
        chosen = by_eye.sentence(by_hand) if by_hand else ""
        pictured = report is not None and (report / Path(PICTURE).name).is_file()
        note = sweep_note(answer, self._metric, self._sweep.id if pictured else None, chosen)
        tags = {SAID: note}
        said = self._sweep.tags.get(SAID)
        if said is None or self._sweep.tags.get(NOTE) in (None, said):
            tags[NOTE] = note  # unless the user has written another
        self._runs.log(self._sweep, points(new, now), params, tags)
        self._mark_best(best)
        self._runs.attach(self._sweep, [self._store.local(spec_key(self._spec.name))])
        if report is not None:
            self._runs.attach(self._sweep, sorted(report.iterdir()), "report")
        self._runs.finish(self._sweep, "FINISHED", now)
        self._register_best(best)

    def remove_doubles(self) -> None:
        """Deletes duplicates created by a server that responded too late."""
        self._runs.look_up()
        self._adopt()

    def _mark_best(self, best: Best) -> None:
        """Tags the best setting's run and its representative's, and no others."""
        wanted = {key_of(self._setting_tags(best.setting.rows[0].setting))}
        if best.run is not None:
            wanted.add(key_of({"kind": "run", "run": best.run}))
        for key, run in self._runs.known.items():
            self._runs.set_tag(run, BEST, "true" if key in wanted else None)

    def _register_best(self, best: Best) -> None:
        """Registers the representative of the best setting, named after the sweep."""
        known = self._runs.find({"kind": "run", "run": best.run}) if best.run else None
        if best.run is not None and known is not None:
            from sweeps.tracking.mlflow.registry import register

            folder = self._store.fetch(run_key(best.run))
            about = model_card(best, self._spec.name, self._metric)
            register(self._runs.client, self._spec.name, best.run, folder, known, about)

    def _adopt(self) -> None:
        """Finds or makes the run of the sweep, with the runs of its settings below it.

        It stays the same run when the sweep's space, seeds or metric change: earlier settings stay
        below it. Another store's sweep of this name has its own run.
        """
        searches = self._store.searches(self._spec.name) | {self._spec.search_id}
        tags = {"kind": "sweep", "search": self._spec.search_id, "sweep": self._lineage}
        ours = [run for run in self._runs.known.values() if self._is_ours(run, searches)]
        ours.sort(key=lambda r: (r.tags.get("sweep") is None, r.status == RUNNING, r.id))
        for double in ours[1:]:
            self._runs.delete(double)
        if ours:
            self._sweep = ours[0]
            for key, value in tags.items():
                self._runs.set_tag(self._sweep, key, value)
        else:
            self._sweep = self._runs.ensure({**tags, "state": "sweep"}, name=self._spec.name)
        for run in list(self._runs.known.values()):
            if run.tags.get("search") in searches and PARENT in run.tags:
                self._runs.set_tag(run, PARENT, self._sweep.id)

    def _is_ours(self, run: TrackedRun, searches: Collection[str]) -> bool:
        """Whether it is the run of this sweep; told by its search if from an earlier version."""
        if run.tags.get("kind") != "sweep":
            return False
        lineage = run.tags.get("sweep")
        return lineage == self._lineage or (lineage is None and run.tags.get("search") in searches)

    def _setting(self, setting: Setting, name: str, start: int) -> TrackedRun:
        tags = {
            **self._setting_tags(setting.number),
            "state": "setting",  # neither finished nor failed: the analysis counts only seeds
            PARENT: self._sweep.id,
        }
        return self._runs.ensure(tags, name, start)

    def _setting_tags(self, number: int) -> dict[str, str]:
        return {"kind": "setting", "search": self._spec.search_id, "setting": str(number)}

    def _end(self, runs: Iterable[str]) -> int:
        """When the last of these runs got its result, in ms; the same on every call."""
        ends = [0.0]
        for run in runs:
            key = f"{run_key(run)}/{RESULT}"
            path = self._store.path(key)
            ends.append((path if path.exists() else self._store.local(key)).stat().st_mtime)
        return round(1000 * max(ends))


def _lineage(spec: SweepSpec, store: Store) -> str:
    """Distinguishes this store's sweep from others of its name; created on first use."""
    key = mlflow_key(spec.name)
    kept = store.read_json(key)
    if not (isinstance(kept, dict) and isinstance(kept.get("sweep"), str)):
        kept = {"sweep": secrets.token_hex(8)}
        store.write_json(key, kept)
    return str(kept["sweep"])
