"""Where a sweep's MLflow runs go: to the user's server or database, else into the store."""

import contextlib
import functools
import hashlib
import logging
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from sweeps.run_store import Store
from sweeps.tracking.mlflow.relocation import follow
from sweeps.tracking.redact import redact
from trainer import cache
from trainer.errors import UserError
from trainer.files import replacing

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE, ARTIFACTS = "mlflow.db", "mlruns"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")  # accessed without an MLflow server
# Read by MLflow when it is imported; the user's own values stay.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # it would create a run twice if the response was lost
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # self-hosted servers often refuse the checksums that boto3 adds since version 1.36
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}


def tracking_uri() -> str | None:
    """The server or database to use instead of the store's: MLFLOW_TRACKING_URI."""
    return os.environ.get("MLFLOW_TRACKING_URI") or None


def connect(store: Store) -> "MlflowClient":
    """A client for `tracking_uri`; by default for mlflow.db at the store's local path.

    For a store on S3 that file stays on this machine: `sweep sync` recreates it anywhere.
    Raises UserError for an address that MLflow cannot use.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    uri = tracking_uri()
    if own := uri is None:
        _relax_sqlite(str(store.path(DATABASE)))
        make_database(store.path(DATABASE))
        uri = sqlite_uri(store.path(DATABASE))
    check(uri)
    if own or _is_database(uri):
        follow(uri, store.path(ARTIFACTS), own)
    return MlflowClient(uri)


def artifacts_of(store: Store, sweep: str) -> str | None:
    """Where a sweep's artifacts go: next to the store's runs; None where a server decides."""
    uri = tracking_uri()
    if uri is None or _is_database(uri):
        return store.path(f"{ARTIFACTS}/{sweep}").as_uri()
    return None


def check(uri: str) -> None:
    """Raises UserError for an address that MLflow cannot use, or a database of another version.

    MLflow upgrades some such databases unasked, after which other people's MLflow can no longer
    read them.
    """
    scheme = urlparse(uri).scheme
    allowed = os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() in ("true", "1")
    if scheme in ("", "file") and not allowed:
        raise UserError(
            f"MLFLOW_TRACKING_URI={uri!r} is neither a server nor a database; give one, e.g. "
            "http://HOST:5000 or sqlite:////FOLDER/mlflow.db, or unset it: runs go to the store"
        )
    if not _is_database(uri):
        return
    found, own = _revision(uri), _own_revision()
    if found not in (None, own):
        raise UserError(
            f"the database {redact(uri)} is of another version of MLflow (revision {found}, this "
            f"one's is {own}); after a backup, upgrade it: mlflow db upgrade ADDRESS"
        )


def _revision(uri: str) -> str | None:
    """The version of MLflow's tables; None if there are none yet."""
    import sqlalchemy as sql

    engine = sql.create_engine(uri, poolclass=sql.pool.NullPool)
    try:
        if not {"alembic_version", "experiments"} <= set(sql.inspect(engine).get_table_names()):
            return None
        with engine.connect() as database:
            return database.execute(sql.text("SELECT version_num FROM alembic_version")).scalar()
    finally:
        engine.dispose()


@functools.cache
def _own_revision() -> str:
    from mlflow.store.db import utils

    return str(utils._get_latest_schema_revision())


def _is_database(uri: str) -> bool:
    return urlparse(uri).scheme.split("+")[0] in DATABASES


def link(source: Path, target: Path) -> None:
    """A hard link, or a copy on another disk; replaces an existing file atomically."""
    with replacing(target) as partial:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)


def make_database(path: Path) -> None:
    """Creates an empty MLflow database atomically: MLflow refuses a half-made one.

    Raises sqlite3.Error for one that cannot be opened, which MLflow would retry for minutes.
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
        whole.touch()  # SQLite's own files are never writable for a group
        with contextlib.closing(sqlite3.connect(draft)) as database:
            database.execute("VACUUM INTO ?", [str(whole)])  # including what is still in its log
        if not path.exists():  # another sweep may have created it in the meantime
            os.replace(whole, path)


_relaxed: set[str] = set()  # database files


def _relax_sqlite(path: str) -> None:
    """Avoids waiting for the disk at every commit: anything lost in a power cut is in the store.

    Only for this file, whatever other databases this process may open.
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
    """A database file's URI for MLflow; through a link where its path has a `?` or a `%`.

    SQLAlchemy and MLflow read these differently, and would write elsewhere.
    """
    if not set("?%") & set(str(path)):
        return f"sqlite:///{path}"
    name = hashlib.sha256(str(path.parent).encode()).hexdigest()[:20]
    link = cache.folder() / "links" / name
    if set("?%") & set(str(link)):
        raise UserError(f"{link}: MLflow accepts no path with ? or %; set SWEEP_CACHE to another")
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # another process was quicker
            link.symlink_to(path.parent)
    return f"sqlite:///{link / path.name}"
