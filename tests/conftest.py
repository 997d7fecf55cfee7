"""The order of the tests, and the servers that they share, which end with pytest."""

import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from tests.servers.postgres import Postgres, postgres_server
from tests.servers.s3 import S3, s3_server

# pytest's workers share the cores: more threads in each would wait for one another, spinning.
for _library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
# Ray's workers are nice to others by default, and would wait for all tests that compute.
os.environ.setdefault("RAY_worker_niceness", "0")

# Files that take minutes, the longest first: begun last, one would run long after all others.
LONG = (
    "tests/test_readme.py",
    "tests/test_weak_labels.py",
    "tests/sweeps/test_driver.py",
    "tests/sweeps/cluster/test_tune_search.py",
    "tests/sweeps/cluster/test_detached.py",
    "tests/sweeps/tracking/test_real_parts.py",
    "tests/security/test_planted_secrets.py",
)


def pytest_configure() -> None:
    """Makes SIGTERM end the tests as Ctrl-C does: with their servers."""
    signal.signal(signal.SIGTERM, _interrupt)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first."""
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(LONG)))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="session")
def s3_of_session() -> Iterator[S3]:
    """One S3 server; `s3` gives each test a bucket of its own."""
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(s3_of_session: S3) -> Iterator[S3]:
    """An empty bucket, to which the environment (AWS_ENDPOINT_URL, …) points during the test."""
    bucket = s3_of_session.new_bucket()
    with bucket.in_environment():
        yield bucket
    bucket.proxy.mend()


@pytest.fixture(scope="session")
def postgres_of_session() -> Iterator[Postgres]:
    """One Postgres server; `postgres` gives each test a database of its own."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres(postgres_of_session: Postgres) -> Postgres:
    """An empty database."""
    return postgres_of_session.new_database()


@pytest.fixture(autouse=True)
def no_address_left() -> Iterator[None]:
    """Forgets what `mlflow.set_tracking_uri` leaves in the environment, for the next test."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before
