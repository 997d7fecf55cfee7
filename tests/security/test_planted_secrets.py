"""A real sweep with secrets in its environment leaves none anywhere; MLflow is on loopback.

It runs in many odd surroundings at once, too; in each alone: `python -m tests.surroundings`.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.postgres import PASSWORD
from tests.surroundings.cases import many_at_once, problem

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "secret-of-aws",
    "AWS_SESSION_TOKEN": "secret-of-the-session",
    "RAY_AUTH_TOKEN": "secret-of-ray",
    "MLFLOW_TRACKING_PASSWORD": "secret-of-mlflow",
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory, postgres_of_session):
    """The place of a sweep that was run with SECRETS, and all that it printed."""
    study = postgres_of_session.new_database().url
    assert PASSWORD in study
    place = many_at_once(tmp_path_factory.mktemp("planted") / "here")
    place.environment |= {**SECRETS, "OPTUNA_STORAGE": study}
    file = place.folder / "here.yaml"
    # Bayesian: only then is the study written
    file.write_text(file.read_text().replace("method: grid", "method: bayes\nsettings: 1"))
    done = place.run()
    assert problem(place, done, runs=1) is None
    return place, done.stdout + done.stderr


def test_no_secret_is_printed_or_written(planted):
    place, printed = planted
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    for name in ("log.txt", "index.html", "mlflow.db", "result.json", "spec.yaml"):
        assert any(path.name == name and path.stat().st_size for path in files), name
    for secret in (*SECRETS.values(), PASSWORD):
        assert secret not in printed
        assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_a_secret_would_be_found(planted):
    place, _ = planted
    assert any(b"dsprites" in path.read_bytes() for path in place.folder.rglob("mlflow.db"))


def test_mlflow_of_sweep_ui_listens_only_on_loopback(planted):
    place, _ = planted
    command = [sys.executable, "-m", "sweeps", "ui", "--store", place.folder / place.store]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as ui:
        try:
            line = ui.stdout.readline()
            port = int(re.search(r"http://127\.0\.0\.1:(\d+)", line)[1])
            assert listening(descendants(ui.pid)) == {("127.0.0.1", port)}
        finally:
            ui.send_signal(signal.SIGTERM)  # SIGINT is ignored where tests run in the background
    wait_until_gone(ui.pid)


def descendants(parent: int) -> set[int]:
    """The process and all that it started."""
    found = {parent}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[1]) in found:
            found |= descendants(int(stat.parent.name))
    return found


def listening(processes: set[int]) -> set[tuple[str, int]]:
    """Addresses and ports on which any of the processes listens, as the kernel has them."""
    inodes = set()
    for process in processes:
        for handle in Path(f"/proc/{process}/fd").glob("*"):
            try:
                inodes.add(os.readlink(handle))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            address, _, port = fields[1].partition(":")
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add((plain(address), int(port, 16)))
    return found


def plain(address: str) -> str:
    """`0100007F` as `127.0.0.1`; an address of IPv6 as it is."""
    octets = bytes.fromhex(address)
    return ".".join(map(str, reversed(octets))) if len(octets) == 4 else address


def wait_until_gone(group: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("it left processes behind")
