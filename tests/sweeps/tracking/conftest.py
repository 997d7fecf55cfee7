"""What the tests of MLflow share."""

from pathlib import Path

import pytest

from sweeps.tracking.mlflow.database import make_database


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """An MLflow database without runs; making one takes seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    make_database(path)
    return path
