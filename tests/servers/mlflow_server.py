"""MLflow's server, as `mlflow server` starts it, with its database and artifacts where told."""

import contextlib
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.processes import HOST, free_port, start, stop, wait_until


@dataclass(frozen=True)
class MlflowServer:
    """A running server. log: what it printed."""

    host: str
    port: int
    log: Path

    @property
    def url(self) -> str:
        """What MLFLOW_TRACKING_URI names."""
        return f"http://{self.host}:{self.port}"


@contextlib.contextmanager
def mlflow_server(
    backend: str,
    artifacts: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[MlflowServer]:
    """Starts a server, which takes 5 to 10 seconds.

    backend: of its rows: `sqlite:///…` or `postgresql://…` (given in the environment, so that a
    password is in no list of processes). artifacts: a folder or `s3://…`, which the server alone
    reads and writes. folder: for its log. environment: on top of this process's, such as
    `S3.environment`. port: a free one by default.
    """
    port, log = port or free_port(), folder / "mlflow-server.log"
    own = {
        "MLFLOW_BACKEND_STORE_URI": backend,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # 5 s to start instead of 18
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    inherited = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    process = start(
        [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--host", HOST, "--port", str(port), "--artifacts-destination", artifacts),
        ],
        log,
        {**inherited, **(environment or {}), **own},
        cwd=folder,
    )
    server = MlflowServer(HOST, port, log)
    try:
        wait_until(lambda: _answers(server), process, log)
        yield server
    finally:
        stop(process, signal.SIGKILL)  # else it waits for its clients to leave


def _answers(server: MlflowServer) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
