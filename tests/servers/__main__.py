"""Starts all three servers for a trial on this machine, and says how to use them, until Ctrl-C.

    python -m tests.servers

Nothing is kept: Postgres is in a temporary folder, S3 in memory.
"""

import contextlib
import signal
import tempfile
from pathlib import Path
from types import FrameType

from tests.servers.mlflow_server import mlflow_server
from tests.servers.postgres import postgres_server
from tests.servers.s3 import s3_server


def main() -> None:
    """Prints the environment that a sweep needs, and waits."""
    signal.signal(signal.SIGTERM, _interrupt)
    with (
        tempfile.TemporaryDirectory(prefix="servers-") as folder,
        postgres_server() as postgres,
        s3_server() as s3,
        mlflow_server(
            postgres.new_database().url, s3.new_bucket().url, Path(folder), s3.environment
        ) as mlflow,
    ):
        variables = {
            **s3.environment,
            "MLFLOW_TRACKING_URI": mlflow.url,
            "OPTUNA_STORAGE": postgres.url,
        }
        for name, value in variables.items():
            print(f"export {name}={value}")
        print(f"sweep run sweeps/quickstart.yaml --store {s3.url}/store", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
