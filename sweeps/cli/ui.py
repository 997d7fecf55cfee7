"""`sweep ui`: MLflow's pages for the runs of the store, on this machine only, until Ctrl-C.

Where $MLFLOW_TRACKING_URI names a server, the runs are on it, and its address is printed.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import Namespace
from types import FrameType
from urllib.parse import urlparse

from sweeps.cli.output import console
from sweeps.run_store import Store
from sweeps.tracking.mlflow.database import ARTIFACTS, DATABASE, sqlite_uri, tracking_uri
from sweeps.tracking.mlflow.pages import HOST, PORT
from sweeps.tracking.redact import redact
from trainer.errors import UserError


def execute(args: Namespace) -> int:
    """Starts the server, prints its address and waits."""
    store, uri = Store(args.store), tracking_uri()
    if args.file is not None:
        store.find_spec(args.file, quick=True)
    if uri is not None and urlparse(uri).scheme in ("http", "https"):
        console.print(f"MLflow: {redact(uri)}   (from MLFLOW_TRACKING_URI)", soft_wrap=True)
        return 0
    if uri is None and not store.path(DATABASE).exists():
        advice = "`sweep run` writes them; `sweep sync NAME` writes them on another machine"
        raise UserError(f"the store {store.location} has no MLflow runs yet; {advice}")
    port = _port(args.port)
    signal.signal(signal.SIGTERM, _interrupt)
    server = subprocess.Popen(
        _server(store, port),
        env={
            **os.environ,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            # not on the command line, which all users of the machine can read
            "MLFLOW_BACKEND_STORE_URI": uri or sqlite_uri(store.path(DATABASE)),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches only this process; the group is ended below
    )
    try:
        address = f"http://{HOST}:{port}"
        with console.status("starting MLflow"):
            ready = _wait(server, f"{address}/health")
        if not ready:
            raise UserError("MLflow did not start; see why with `mlflow server`")
        console.print(f"MLflow: {address}   (Ctrl-C stops it)", soft_wrap=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(server)


def _server(store: Store, port: int) -> list[str]:
    return [
        sys.executable,
        *("-m", "mlflow", "server"),
        *("--artifacts-destination", str(store.path(ARTIFACTS))),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
    ]


def _port(wanted: int | None) -> int:
    """The requested port, else 5000, else any free one."""
    for port in (PORT, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise UserError(f"port {wanted} cannot be used; omit --port to use a free one")


def _wait(server: subprocess.Popen[bytes], url: str, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sign)
            server.wait(timeout=10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
