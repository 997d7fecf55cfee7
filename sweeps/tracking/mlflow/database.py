"""Where the runs of a sweep go in MLflow: to the user's server or database, else into the store."""

import contextlib
import functools
import logging
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from sweeps.run_store import Store
from trainer.files import replacing

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE, ARTIFACTS = "mlflow.db", "mlruns"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")  # spoken to without a server of MLflow's
# Read by MLflow when it is imported; what the user has set stays.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # it would make a run again whose answer was lost
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


def tracking_uri() -> str | None:
    """The server or database that the user wants instead of the store's: MLFLOW_TRACKING_URI."""
    return os.environ.get("MLFLOW_TRACKING_URI") or None


def connect(store: Store) -> "MlflowClient":
    """A client of what `tracking_uri` names; without, of mlflow.db at the store's local path.

    That file of a store on S3 stays on this machine: `sweep sync` makes it anywhere.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    uri = tracking_uri()
    if uri is None:
        _relax_sqlite(str(store.path(DATABASE)))
        make_database(store.path(DATABASE))
        uri = sqlite_uri(store.path(DATABASE))
    return MlflowClient(uri)


def artifacts_of(store: Store, sweep: str) -> str | None:
    """Where a sweep's artifacts go: beside the store's runs; None where a server decides."""
    uri = tracking_uri()
    if uri is None or urlparse(uri).scheme.split("+")[0] in DATABASES:
        return store.path(f"{ARTIFACTS}/{sweep}").as_uri()
    return None


def link(source: Path, target: Path) -> None:
    """A hard link, or a copy on another disk; replaces what is there, whole."""
    with replacing(target) as partial:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)


def make_database(path: Path) -> None:
    """An empty MLflow database, whole or not at all: MLflow refuses one that was left half-made.

    Raises sqlite3.Error for one that cannot be opened, which MLflow would try for minutes.
    """
    if path.exists():
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA schema_version")
        return
    from mlflow import MlflowClient

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mlflow-") as folder:
        draft, whole = Path(folder, "draft.db"), Path(folder, "whole.db")
        MlflowClient(sqlite_uri(draft)).search_experiments(max_results=1)  # makes the tables
        with contextlib.closing(sqlite3.connect(draft)) as database:
            database.execute("VACUUM INTO ?", [str(whole)])  # with what is still in its log
        if not path.exists():  # another sweep may have made it meanwhile
            os.replace(whole, path)


_relaxed: set[str] = set()  # database files


def _relax_sqlite(path: str) -> None:
    """Spares a wait for the disk at every commit: what a power cut takes is in the store.

    Of this file alone, whatever other databases this process may open.
    """
    _relaxed.add(path)
    _listen()


@functools.cache
def _listen() -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def relax(connection: Any, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        _, _, file = connection.execute("PRAGMA database_list").fetchone()
        if file in _relaxed:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")


def sqlite_uri(path: Path) -> str:
    """A database file, as MLflow takes it."""
    return f"sqlite:///{path}"
