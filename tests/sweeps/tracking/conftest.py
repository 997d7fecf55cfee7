"""What the tests of MLflow share."""

import os
from pathlib import Path

import pytest

from sweeps.tracking.mlflow.database import make_database


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """An MLflow database without runs, where groups may write; making one takes seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    before = os.umask(0o002)
    try:
        make_database(path)
    finally:
        os.umask(before)
    return path
