"""Where MLflow shows a sweep's runs: the addresses that its report links to."""

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlparse

from sweeps.run_store import Store, mlflow_key
from sweeps.tracking.mlflow.database import DATABASE, tracking_uri

HOST, PORT = "127.0.0.1", 5000  # of `sweep ui`
IDS = """
    SELECT value, run_uuid FROM tags JOIN runs USING (run_uuid)
    WHERE key = 'run' AND experiment_id = ? AND lifecycle_stage = 'active'
"""


@dataclass(frozen=True)
class Pages:
    """runs: the address of an experiment's runs. served: by a server, not only by `sweep ui`.

    ids: MLflow's ids of runs by those of the store, as far as they are known.
    """

    runs: str
    served: bool
    ids: Mapping[str, str]

    def of(self, run: str) -> str:
        """The address of a run's page or, where its id in MLflow is unknown, of a search for it."""
        if run in self.ids:
            return f"{self.runs}/{self.ids[run]}"
        wanted = quote(f"tags.run = '{run}'", safe="")
        return f"{self.runs}?searchFilter={wanted}"


def record(store: Store, sweep: str, experiment: str) -> None:
    """Keeps the id of the sweep's experiment, which only MLflow knows, and its server."""
    known = {"experiment": experiment, "server": _server(tracking_uri() or "")}
    kept = store.read_json(mlflow_key(sweep))
    kept = kept if isinstance(kept, dict) else {}
    if not known.items() <= kept.items():
        store.write_json(mlflow_key(sweep), {**kept, **known})


def pages_of(store: Store, sweep: str) -> Pages | None:
    """The pages of a sweep's runs; None before MLflow has any."""
    kept = store.read_json(mlflow_key(sweep))
    if not isinstance(kept, dict) or not str(kept.get("experiment", "")).isalnum():
        return None
    server = _server(str(kept.get("server") or ""))
    runs = f"{server or f'http://{HOST}:{PORT}'}/#/experiments/{kept['experiment']}/runs"
    return Pages(runs, bool(server), {} if server else _ids(store, str(kept["experiment"])))


def _ids(store: Store, experiment: str) -> dict[str, str]:
    """Runs in the store's own database, read without MLflow, which takes a second to import."""
    with contextlib.suppress(sqlite3.Error):
        address = f"{store.path(DATABASE).absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            return dict(database.execute(IDS, [experiment]))
    return {}


def _server(uri: str) -> str:
    """The address of an MLflow server, without user and password; "" for a database."""
    parts = urlparse(uri)
    if parts.scheme not in ("http", "https"):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
