"""A Ray cluster of several raylets on this machine, any of which can be killed or hung."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.processes import below, send
from tests.faults.small_sweep import NO_TOKEN
from tests.servers.processes import HOST, free_port, start, wait_until

# a hung node is given up after about 5 seconds; Ray's own figures make it more than a minute
TIGHT = {
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
    **NO_TOKEN,
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True)
class Node:
    """One raylet and its processes."""

    process: subprocess.Popen[bytes]

    @property
    def processes(self) -> list[int]:
        return [self.process.pid, *below(self.process.pid)]

    def kill(self) -> None:
        """As when the machine is lost."""
        send(self.processes, signal.SIGKILL)
        self.process.wait()

    def hang(self, seconds: float) -> None:
        """As when the machine stands still: the others find out; then it is lost."""
        send(self.processes, signal.SIGSTOP)
        time.sleep(seconds)
        self.kill()


class Cluster:
    """A head that trains nothing, and workers of one CPU. address: for `sweep run`."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self._folder, self._environment = folder, environment
        self.address = f"{HOST}:{free_port()}"
        port = self.address.rpartition(":")[2]
        head = ["--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false"]
        self.head = self._start("head", head)
        wait_until(self._listens, self.head.process, folder / "head.log")
        self.workers: list[Node] = []

    def grow(self) -> None:
        """Starts one more worker."""
        name = f"worker{time.monotonic_ns()}"
        self.workers.append(self._start(name, [f"--address={self.address}", "--num-cpus=1"]))

    def end(self) -> None:
        """Ends all processes."""
        for node in (*self.workers, self.head):
            node.kill()

    def _start(self, name: str, options: list[str]) -> Node:
        command = [
            *(str(Path(sys.executable).parent / "ray"), "start", "--block", *options),
            *(f"--node-ip-address={HOST}", f"--temp-dir={self._folder / name}"),
            *(f"--object-store-memory={80 * 2**20}", "--disable-usage-stats"),
            f"--dashboard-agent-listen-port={free_port()}",
        ]
        return Node(start(command, self._folder / f"{name}.log", self._environment))

    def _listens(self) -> bool:
        host, _, port = self.address.rpartition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
            return True
        return False


@contextlib.contextmanager
def cluster(environment: dict[str, str], workers: int = 2) -> Iterator[Cluster]:
    """A cluster, ended with all its processes."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    made = Cluster(folder, {**environment, **TIGHT})
    try:
        for _ in range(workers):
            made.grow()
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)
