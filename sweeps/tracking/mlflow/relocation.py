"""Makes MLflow's database, which stores absolute addresses of artifacts, follow a moved store."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

if TYPE_CHECKING:
    from sqlalchemy import Connection

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow(uri: str, artifacts: Path, own: bool) -> None:
    """Makes the database refer to `artifacts` wherever it refers to the store's earlier location.

    own: whether it is the store's own database. In others, only sweeps are changed whose earlier
    folder is gone and whose artifacts are here now. Does nothing where it cannot be written.
    """
    import sqlalchemy as sql

    engine = sql.create_engine(uri, poolclass=sql.pool.NullPool)
    here = artifacts.as_uri()
    try:
        with engine.begin() as database:
            known = sql.table("experiments", sql.column("name"), sql.column("artifact_location"))
            for name, location in database.execute(sql.select(known)).all():
                before = str(location).removesuffix(f"/{name}")
                if before in (location, here) or not _is_of_a_store(before):
                    continue
                if own or (not _folder(before).exists() and (artifacts / name).is_dir()):
                    _rename(database, before, here)
    except sql.exc.SQLAlchemyError:
        return  # read-only, or without tables yet
    finally:
        engine.dispose()


def _is_of_a_store(location: str) -> bool:
    return location.startswith("file://") and location.endswith("/mlruns")


def _folder(location: str) -> Path:
    return Path(url2pathname(urlparse(location).path))


def _rename(database: "Connection", before: str, after: str) -> None:
    import sqlalchemy as sql

    tables = set(sql.inspect(database).get_table_names())
    for name, column in COLUMNS:
        if name not in tables:
            continue
        table = sql.table(name, sql.column(column))
        value = table.c[column]
        new = sql.literal(after) + sql.func.substr(value, len(before) + 1)
        whole = sql.func.substr(value, 1, len(before) + 1) == f"{before}/"
        database.execute(sql.update(table).where(whole).values({column: new}))
