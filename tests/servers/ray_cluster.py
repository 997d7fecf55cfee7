"""A Ray cluster on this machine as `infra/` starts one: a head that trains nothing, and a worker.

Each node is its own raylet with a folder of its own; all of them ask for a token.
"""

import contextlib
import os
import secrets
import shutil
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.servers.processes import HOST, free_port, start, stop, wait_until

BIN = Path(sys.executable).parent
OBJECT_STORE_BYTES = 80 * 2**20


@dataclass(frozen=True)
class RayCluster:
    """dashboard: its address, for jobs; gcs: `host:port`, for drivers.

    environment: with what a process can join it: the mode and file of the token.
    """

    dashboard: str
    gcs: str
    environment: dict[str, str]


@contextlib.contextmanager
def ray_cluster(cpus: int = 1) -> Iterator[RayCluster]:
    """A cluster with one worker of `cpus` CPUs, ready for jobs; ended with all its processes."""
    # names of Unix sockets, which Ray makes there, may not be longer than about 100 bytes
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
    }
    cluster = RayCluster(f"http://{HOST}:{free_port()}", f"{HOST}:{free_port()}", environment)
    head = [
        *("--head", "--num-cpus=0", f"--port={cluster.gcs.rpartition(':')[2]}"),
        *(f"--dashboard-host={HOST}", f"--dashboard-port={cluster.dashboard.rpartition(':')[2]}"),
        f"--ray-client-server-port={free_port()}",
    ]
    worker = [f"--address={cluster.gcs}", f"--num-cpus={cpus}"]
    try:
        with ExitStack() as running:
            _start_node(running, head, folder / "head", cluster, lambda: _listens(cluster.gcs))
            _start_node(running, worker, folder / "worker", cluster, lambda: _alive(cluster) == 2)
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_node(
    running: ExitStack,
    options: list[str],
    folder: Path,
    cluster: RayCluster,
    ready: Callable[[], bool],
) -> None:
    """Starts a node, which `running` ends, and waits until it is ready."""
    command = [
        *(str(BIN / "ray"), "start", "--block", "--disable-usage-stats", *options),
        *(f"--node-ip-address={HOST}", f"--temp-dir={folder}"),
        f"--dashboard-agent-listen-port={free_port()}",
        f"--object-store-memory={OBJECT_STORE_BYTES}",
    ]
    log = folder.with_suffix(".log")
    process = start(command, log, cluster.environment)
    running.callback(stop, process)
    wait_until(ready, process, log)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
        return True
    return False


def _alive(cluster: RayCluster) -> int:
    """How many nodes the dashboard says are alive; 0 while it does not answer."""
    token = Path(cluster.environment["RAY_AUTH_TOKEN_PATH"]).read_text()
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{cluster.dashboard}/api/v0/nodes", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read().count(b'"ALIVE"')
    except OSError:
        return 0
