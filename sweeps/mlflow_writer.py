"""Writes one sweep to MLflow: a run for it, below that one a setting, below that one a seed."""

import contextlib
import functools
import json
import logging
import math
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from evaluation.analysis.advice import CANNOT_TELL
from evaluation.analysis.choose import Choice, SettingSummary
from evaluation.analysis.conclude import Conclusion
from evaluation.analysis.table import flatten
from sweeps.picture import TRAVERSAL
from sweeps.plan import Setting
from sweeps.spec import SweepSpec
from sweeps.store import Store

# Read by MLflow when it is imported; what the user has set stays.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the tracker tries again by itself, for longer
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
FILES = ("config.json", "result.json", "history.json", "model.safetensors", TRAVERSAL)
CURVE_POINTS = 100  # of each training curve; history.json, beside it, has them all
BATCH = 1000  # metrics, params and tags in one call: MLflow's limit
LONGEST = 500  # characters of a param or tag

RUNNING = "RUNNING"
PARENT = "mlflow.parentRunId"
BEST = "best"  # the tag of the best setting's run, and of its best seed's

Key = tuple[str, ...]
Point = tuple[str, float, int, int]  # name, value, time in ms, step


@dataclass
class _Known:
    """A run that MLflow has."""

    id: str
    status: str
    artifacts: str
    tags: dict[str, str]
    metrics: dict[str, float]
    params: dict[str, str]


class MlflowWriter:
    """One connection to MLflow. Every method may be called again: it completes what is there.

    Runs are found by their tags: `kind` (sweep, setting or run) with `search`
    (`SweepSpec.search_id`), `setting` (number) and `run` (id). One that is RUNNING is not complete.
    Written to `$MLFLOW_TRACKING_URI` where that is set, else to mlflow.db in the store.
    """

    def __init__(self, spec: SweepSpec, store: Store, measure: str):
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._spec, self._store, self._measure = spec, store, measure
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        if not uri:
            _relax_sqlite()
            _make_database(store.path("mlflow.db"))
        self._client = MlflowClient(uri or _sqlite(store.path("mlflow.db")))
        self._experiment = self._find_experiment(own=not uri)
        self._known = dict(self._runs())
        self._adopt()

    def write_run(self, setting: Setting, result: Mapping[str, Any]) -> None:
        """The run of one seed: params, scores, training curves, and its files as artifacts."""
        config, folder = result["config"], Path(result["folder"])
        end = _end([folder])
        start = end - round(1000 * float((result.get("training") or {}).get("seconds") or 0))
        parent = self._setting(setting, start)
        tags = {
            "kind": "run",
            "run": result["run"],
            "setting": str(setting.number),
            "state": result["state"],
            "reason": (result.get("reason") or "")[:LONGEST],
            "folder": str(folder),
            "evaluation": result["evaluation"],
            PARENT: parent.id,
        }
        name = f"β {config['beta']:.4g}, M {config['latents']}, seed {config['seed']}"
        run = self._ensure(tags, name, start)
        if run.status != RUNNING and all(run.tags.get(key, "") == tags[key] for key in tags):
            return
        pixels = math.prod(result["data"]["shape"])
        params = flatten(config) | {"beta_norm": config["beta"] * config["latents"] / pixels}
        points = [*self._scores(result, end), *_curves(folder / "history.json", start, end)]
        self._log(run, points, params, tags)
        self._attach(run, [folder / file for file in FILES])
        self._finish(run, "FINISHED" if result["state"] == "finished" else "FAILED", end)

    def write_setting(self, setting: Setting, summary: SettingSummary) -> None:
        """The run of one setting: its score over its seeds."""
        end = _end(row.folder for row in summary.rows)
        run = self._setting(setting, end)
        figures = {
            self._measure: summary.score,
            "spread": summary.spread,
            "seeds": summary.seeds,
            "failed": summary.failed,
            "reconstruction": summary.reconstruction,
            "kl": summary.kl,
        }
        figures = {key: float(value) for key, value in figures.items() if math.isfinite(value)}
        if run.status != RUNNING and all(run.metrics.get(k) == v for k, v in figures.items()):
            return
        params = {"beta": summary.beta, "beta_norm": summary.beta_norm, "latents": summary.latents}
        self._log(run, _points(figures, end), {**flatten(setting.parameters), **params}, {})
        self._finish(run, "FINISHED", end)

    def write_sweep(self, conclusion: Conclusion, report: Path | None) -> None:
        """The run of the sweep: the best setting and how sure that is, its file and its report.

        The runs of the best setting and of its best seed get the tag `best`.
        """
        choice, answer = conclusion.choice, conclusion.answer
        best = choice.best
        figures = {
            self._measure: best.score,
            "best.beta": best.beta,
            "best.beta_norm": best.beta_norm,
            "best.latents": float(best.latents),
        }
        if answer is not None:
            low, high = answer.best.interval
            figures |= {"best.interval.low": low, "best.interval.high": high}
            figures["best.probability"] = answer.best.probability_best
        now = round(1000 * time.time())
        params = _answer_params(conclusion)
        if any(self._sweep.params.get(key, text) != text for key, text in params.items()):
            self._renew_sweep()  # MLflow never changes a param
        new = {key: v for key, v in figures.items() if self._sweep.metrics.get(key) != v}
        note = (
            f"Best β {best.beta:.4g} (β_norm {best.beta_norm:.4g}, M {best.latents}): "
            f"{self._measure} {best.score:.4f} over {best.seeds} seeds"
        )
        note = "\n\n".join([note, *conclusion.sentences()])
        self._log(self._sweep, _points(new, now), params, {"mlflow.note.content": note})
        self._mark_best(choice)
        self._attach(self._sweep, [self._store.path(f"sweeps/{self._spec.name}/spec.yaml")])
        if report is not None:
            self._attach(self._sweep, sorted(report.iterdir()), "report")
        self._finish(self._sweep, "FINISHED", now)

    def _mark_best(self, choice: Choice) -> None:
        """Tags the best setting's run and its best seed's, and takes the tag off all others."""
        seed = choice.best_seed(choice.best)
        wanted = {_key(_setting_tags(self._spec, choice.best.rows[0].setting))}
        if seed is not None:
            wanted.add(_key({"kind": "run", "run": seed.run}))
        for key, run in self._known.items():
            if key in wanted and BEST not in run.tags:
                self._client.set_tag(run.id, BEST, "true")
                run.tags[BEST] = "true"
            elif key not in wanted and BEST in run.tags:
                self._client.delete_tag(run.id, BEST)
                del run.tags[BEST]

    def _renew_sweep(self) -> None:
        """A new run for the sweep in place of the old one, whose settings move below it."""
        self._client.delete_run(self._sweep.id)
        self._known.pop(_key(self._sweep.tags))
        self._adopt()

    def _adopt(self) -> None:
        """Finds or makes the run of the sweep, with the runs of its settings below it."""
        tags = {"kind": "sweep", "search": self._spec.search_id, "state": "sweep"}
        self._sweep = self._ensure(tags, name=self._spec.name)
        for run in self._known.values():
            of_search = run.tags.get("search") == self._spec.search_id
            if of_search and run.tags.get(PARENT, self._sweep.id) != self._sweep.id:
                self._client.set_tag(run.id, PARENT, self._sweep.id)
                run.tags[PARENT] = self._sweep.id

    def _find_experiment(self, own: bool) -> str:
        """The id of the sweep's experiment; `own`: its artifacts belong into the store."""
        name = self._spec.name
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        artifacts = self._store.path(f"mlruns/{name}").as_uri() if own else None
        return str(self._client.create_experiment(name, artifact_location=artifacts))

    def _runs(self) -> Iterator[tuple[Key, _Known]]:
        page: str | None = None
        while True:
            runs = self._client.search_runs([self._experiment], max_results=BATCH, page_token=page)
            for run in runs:
                info, data = run.info, run.data
                known = _Known(
                    info.run_id,
                    info.status,
                    info.artifact_uri,
                    dict(data.tags),
                    dict(data.metrics),
                    dict(data.params),
                )
                yield _key(known.tags), known
            page = runs.token
            if not page:
                return

    def _setting(self, setting: Setting, start: int) -> _Known:
        tags = {
            **_setting_tags(self._spec, setting.number),
            "state": "setting",  # neither finished nor failed: the analysis counts seeds alone
            PARENT: self._sweep.id,
        }
        words = ", ".join(f"{key} {_short(value)}" for key, value in setting.parameters.items())
        return self._ensure(tags, f"{setting.number}: {words}", start)

    def _ensure(self, tags: Mapping[str, str], name: str, start: int | None = None) -> _Known:
        """The run with these tags, made in one call, with its tags, where there is none."""
        key = _key(tags)
        if key not in self._known:
            run = self._client.create_run(
                self._experiment, start_time=start, tags=dict(tags), run_name=name
            )
            self._known[key] = _Known(
                run.info.run_id, run.info.status, run.info.artifact_uri, dict(tags), {}, {}
            )
        return self._known[key]

    def _log(
        self,
        run: _Known,
        points: Sequence[Point],
        params: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> None:
        """Metrics, params and tags, in as few calls as may be. The same again changes nothing."""
        from mlflow.entities import Metric, Param, RunTag

        metrics = [Metric(*point) for point in points]
        room = BATCH - len(params) - len(tags)
        self._client.log_batch(
            run.id,
            metrics=metrics[:room],
            params=[Param(key, _text(value)) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        for i in range(room, len(metrics), BATCH):
            self._client.log_batch(run.id, metrics=metrics[i : i + BATCH])
        run.tags.update(tags)
        run.params.update({key: _text(value) for key, value in params.items()})
        run.metrics.update({key: value for key, value, _, _ in points})

    def _attach(self, run: _Known, files: Iterable[Path], folder: str = "") -> None:
        """Files as artifacts: links where the artifacts are on the same disk as the store."""
        place = urlparse(run.artifacts)
        for file in files:
            if not file.is_file():
                continue  # a failed run has no model
            if place.scheme in ("", "file"):
                _link(file, Path(url2pathname(place.path), folder, file.name))
            else:
                self._client.log_artifact(run.id, str(file), folder or None)

    def _finish(self, run: _Known, status: str, end: int) -> None:
        self._client.set_terminated(run.id, status, end_time=end)
        run.status = status

    def _scores(self, result: Mapping[str, Any], when: int) -> list[Point]:
        """All numbers of the evaluation, named as `rows_from_dataframe` reads them back."""
        evaluation = (result.get("evaluations") or {}).get(result["evaluation"]) or {}
        figures = {key: value for key, value in evaluation.items() if key != "measures"}
        for measure, found in (evaluation.get("measures") or {}).items():
            figures[measure] = found.get("score")
            figures |= {f"{measure}.{k}": v for k, v in found.items() if k != "score"}
        for key, value in (result.get("training") or {}).items():
            figures[f"training.{key}"] = value
        return _points(_numbers(figures), when)


def _setting_tags(spec: SweepSpec, number: int) -> dict[str, str]:
    return {"kind": "setting", "search": spec.search_id, "setting": str(number)}


def _answer_params(conclusion: Conclusion) -> dict[str, str]:
    """The answer as MLflow's params, short enough to be read in its table of runs."""
    best = conclusion.choice.best
    params: dict[str, Any] = {
        "best.beta": best.beta,
        "best.beta_norm": best.beta_norm,
        "best.latents": best.latents,
        "best.setting": best.rows[0].setting,
    }
    answer = conclusion.answer
    params["best.verdict"] = answer.best.verdict if answer else CANNOT_TELL
    if answer is not None:
        params["best.interval"] = [float(f"{end:.4g}") for end in answer.best.interval]
        params["best.probability"] = float(f"{answer.best.probability_best:.3g}")
        params["best.tied"] = [setting.rows[0].setting for setting in answer.tied]
        params["best.reasons"] = " ".join(answer.best.reasons)
        if answer.best.faithful is not None:
            params["best.faithful"] = answer.best.faithful.rows[0].setting
    return {key: _text(value) for key, value in params.items()}


def _key(tags: Mapping[str, str]) -> Key:
    """What a run is found by. A seed's run belongs to no search: two of them may share it."""
    names = {"sweep": ("search",), "setting": ("search", "setting"), "run": ("run",)}
    kind = tags.get("kind", "")
    return (kind, *(tags.get(name, "") for name in names.get(kind, ("mlflow.runName",))))


def _points(figures: Mapping[str, float], when: int) -> list[Point]:
    return [(key, value, when, 0) for key, value in figures.items()]


def _curves(path: Path, start: int, end: int) -> list[Point]:
    """history.json as metrics `train/…`, at most CURVE_POINTS of each, dated from start to end."""
    try:
        history = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    steps = history.pop("step")
    stride = max(1, math.ceil(len(steps) / CURVE_POINTS))
    points = []
    for i in range((len(steps) - 1) % stride, len(steps), stride):  # the last one is among them
        when = start + round((end - start) * steps[i] / max(steps[-1], 1))
        row = {f"train/{key}": values[i] for key, values in history.items()}
        points += [(key, value, when, steps[i]) for key, value in _numbers(row).items()]
    return points


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among `values`; those of a list by their place: `name.0`, `name.1`, …"""
    numbers: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, list):
            numbers |= _numbers({f"{name}.{i}": item for i, item in enumerate(value)})
        elif isinstance(value, int | float) and math.isfinite(value):
            numbers[name] = float(value)
    return numbers


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:LONGEST]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _end(folders: Iterable[Path | None]) -> int:
    """When the last of these runs got its result, in ms; the same however often it is asked for."""
    ends = [(folder / "result.json").stat().st_mtime for folder in folders if folder is not None]
    return round(1000 * max(ends, default=0.0))


def _link(source: Path, target: Path) -> None:
    """A hard link, or a copy on another disk; replaces what is there, whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:
        shutil.copyfile(source, part)
    os.replace(part, target)
    part.unlink(missing_ok=True)  # replacing a link by another to the same file leaves both


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path}"


def _make_database(path: Path) -> None:
    """An empty MLflow database, whole or not at all: MLflow refuses one that was left half-made."""
    if path.exists():
        return
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mlflow-") as folder:
        draft, whole = Path(folder, "draft.db"), Path(folder, "whole.db")
        MlflowClient(_sqlite(draft)).search_experiments(max_results=1)  # makes the tables
        with contextlib.closing(sqlite3.connect(draft)) as database:
            database.execute("VACUUM INTO ?", [str(whole)])  # with what is still in its log
        if not path.exists():  # another sweep may have made it meanwhile
            os.replace(whole, path)


@functools.cache
def _relax_sqlite() -> None:
    """Spares a wait for the disk at every commit: what a power cut takes is in the store."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def relax(connection: Any, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
