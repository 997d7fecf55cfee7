"""The schema with which a new MLflow database is made at once.

After a change of MLflow's version: `python -m tests.sweeps.tracking.mlflow.test_empty_database`.
"""

import tempfile
from pathlib import Path

from sweeps.tracking.mlflow.database import SCHEMA, make_tables, schema_of


def by_migrations() -> str:
    """What MLflow makes by itself, from its first version on."""
    with tempfile.TemporaryDirectory() as folder:
        make_tables(path := Path(folder, "mlflow.db"), schema="")
        return schema_of(path)


def parts(schema: str) -> list[str]:
    """Its columns, constraints and indices; the order of the last two differs every time."""
    return sorted(line.strip().rstrip(",") for line in schema.splitlines())


def test_the_schema_is_what_mlflows_migrations_make(empty_database):
    made = parts(by_migrations())
    assert parts(SCHEMA.read_text()) == made, __doc__
    assert parts(schema_of(empty_database)) == made


if __name__ == "__main__":
    SCHEMA.write_text(by_migrations())
