"""The runs of one MLflow experiment, found by their tags; created, completed, never duplicated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from sweeps.tracking.mlflow.database import link
from sweeps.tracking.mlflow.values import Point, text

if TYPE_CHECKING:
    from mlflow import MlflowClient

BATCH = 1000  # metrics, params and tags in one call: MLflow's limit
RUNNING = "RUNNING"
PARENT = "mlflow.parentRunId"
_NAMED_BY = {"sweep": ("sweep", "search"), "setting": ("search", "setting"), "run": ("run",)}

Key = tuple[str, ...]


@dataclass
class TrackedRun:
    """A run in MLflow. metrics, params: empty for the runs of seeds, of which there are many."""

    id: str
    name: str
    start: int | None
    status: str
    artifacts: str
    tags: dict[str, str]
    metrics: dict[str, float]
    params: dict[str, str]

    def says(self, tags: Mapping[str, str]) -> bool:
        """Whether it is complete and has these tags."""
        return self.status != RUNNING and all(self.tags.get(k, "") == tags[k] for k in tags)


class Runs:
    """MLflow's runs of one experiment, looked up once, and changed only through here.

    A run is found by its tag `kind` with `sweep` and `search` (kind `sweep`), `search` and
    `setting` (kind `setting`) or `run` (kind `run`, a seed's). One that is RUNNING is incomplete.
    Duplicates, left when the response to a call was lost, are deleted.
    """

    def __init__(self, client: "MlflowClient", experiment: str, artifacts: str | None):
        """experiment: its name. artifacts: where they go if it is new; None for MLflow's choice."""
        self.client = client
        found = client.get_experiment_by_name(experiment)
        if found is not None and found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)  # no other experiment can have its name
        self.experiment = str(
            client.create_experiment(experiment, artifact_location=artifacts)
            if found is None
            else found.experiment_id
        )
        self.known: dict[Key, TrackedRun] = {}
        self.look_up()

    def find(self, tags: Mapping[str, str]) -> TrackedRun | None:
        """The run with these tags, if there is one."""
        return self.known.get(key_of(tags))

    def ensure(self, tags: Mapping[str, str], name: str, start: int | None = None) -> TrackedRun:
        """The run with these tags, created in one call with all of them if there is none.

        start: when it began, in ms; now by default.
        """
        key = key_of(tags)
        if key not in self.known:
            self.known[key] = self._create(tags, name, start)
        return self.known[key]

    def renew(self, run: TrackedRun) -> TrackedRun:
        """Recreates the run without metrics and params, which MLflow cannot change.

        It keeps its name, its start and all its tags, including the user's.
        """
        tags = {key: value for key, value in run.tags.items() if key != "mlflow.runName"}
        new = self._create(tags, run.name, run.start)
        self.client.delete_run(run.id)
        self.known[key_of(tags)] = new
        return new

    def _create(self, tags: Mapping[str, str], name: str, start: int | None) -> TrackedRun:
        run = self.client.create_run(
            self.experiment, start_time=start, tags=dict(tags), run_name=name
        )
        info = run.info
        return TrackedRun(
            info.run_id, name, info.start_time, info.status, info.artifact_uri, dict(tags), {}, {}
        )

    def log(
        self,
        run: TrackedRun,
        points: Sequence[Point],
        params: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> None:
        """Logs metrics, params and tags in as few calls as possible. Idempotent."""
        from mlflow.entities import Metric, Param, RunTag

        texts = {key: text(value) for key, value in params.items()}
        metrics = [Metric(*point) for point in points]
        room = BATCH - len(params) - len(tags)
        self.client.log_batch(
            run.id,
            metrics=metrics[:room],
            params=[Param(key, value) for key, value in texts.items()],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        for i in range(room, len(metrics), BATCH):
            self.client.log_batch(run.id, metrics=metrics[i : i + BATCH])
        run.tags.update(tags)
        if run.tags.get("kind") != "run":
            run.params.update(texts)
            run.metrics.update({key: value for key, value, _, _ in points})

    def attach(self, run: TrackedRun, files: Iterable[Path], folder: str = "") -> None:
        """Adds files as artifacts: links if artifacts are on this machine, else sent to the server.

        Missing files are skipped: a failed run has no model.
        """
        place = urlparse(run.artifacts)
        for file in files:
            if not file.is_file():
                continue
            if place.scheme in ("", "file"):
                link(file, Path(url2pathname(place.path), folder, file.name))
            else:
                self.client.log_artifact(run.id, str(file), folder or None)

    def finish(self, run: TrackedRun, status: str, end: int) -> None:
        """Ends a run. end: its time, in ms."""
        self.client.set_terminated(run.id, status, end_time=end)
        run.status = status

    def set_tag(self, run: TrackedRun, key: str, value: str | None) -> None:
        """Sets a tag, or removes it if None; does nothing if unchanged."""
        if run.tags.get(key) == value:
            return
        before = key_of(run.tags)
        if value is None:
            self.client.delete_tag(run.id, key)
            del run.tags[key]
        else:
            self.client.set_tag(run.id, key, value)
            run.tags[key] = value
        if key_of(run.tags) != before:
            self.known[key_of(run.tags)] = self.known.pop(before)

    def delete(self, run: TrackedRun) -> None:
        """Deletes a run of ours."""
        self.client.delete_run(run.id)
        self.known.pop(key_of(run.tags))

    def look_up(self) -> None:
        """Asks MLflow for all runs of the experiment, and deletes duplicates."""
        self.known.clear()
        doubles: dict[str, Key] = {}  # id of a deleted run -> key of the one that stays
        page: str | None = None
        while True:
            found = self.client.search_runs([self.experiment], max_results=BATCH, page_token=page)
            for run in found:
                one = _known(run)
                key = key_of(one.tags)
                other = self.known.get(key)
                if other is not None and one.tags.get("kind") in _NAMED_BY:
                    one, double = sorted([one, other], key=lambda r: (r.status == RUNNING, r.id))
                    self.client.delete_run(double.id)
                    doubles[double.id] = key
                self.known[key] = one
            page = found.token
            if not page:
                break
        for one in self.known.values():
            if one.tags.get(PARENT) in doubles:
                self.set_tag(one, PARENT, self.known[doubles[one.tags[PARENT]]].id)


def key_of(tags: Mapping[str, str]) -> Key:
    """The key of a run. A seed's run belongs to no search: several may share it."""
    kind = tags.get("kind", "")
    return (kind, *(tags.get(name, "") for name in _NAMED_BY.get(kind, ("mlflow.runName",))))


def _known(run: Any) -> TrackedRun:
    info, tags = run.info, dict(run.data.tags)
    many = tags.get("kind") == "run"
    metrics, params = ({}, {}) if many else (dict(run.data.metrics), dict(run.data.params))
    return TrackedRun(
        info.run_id,
        info.run_name,
        info.start_time,
        info.status,
        info.artifact_uri,
        tags,
        metrics,
        params,
    )
