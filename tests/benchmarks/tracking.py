"""How a sweep fares with an MLflow server that is well, slow (10 s a request), silent, or down.

Each is the same real sweep of 8 runs, with the store and the server on this machine. Printed are
the seconds from the start to the last result and to the end of the command, how many entries MLflow
lacked at the end, and what it has of the 8 runs after `sweep sync` with the server well again.

    python -m tests.benchmarks.tracking            # 4 to 10 minutes on 2 CPU cores
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml

from tests.servers.mlflow_server import MlflowServer, mlflow_server
from tests.servers.proxy import Fault, Hang, Proxy, Refuse, Slow, proxied

FAULTS: dict[str, Fault | None] = {
    "well": None,
    "slow (10 s a request)": Slow(10),
    "silent": Hang(),
    "down": Refuse(),
}
RUNS = 8
SWEEP = {
    "dataset": {
        "name": "dsprites",
        "size": 32,
        "factors": {"shape": [1], "scale": 2, "orientation": 4, "posX": 8, "posY": 8},
    },
    "method": "grid",
    "parameters": {"latents": {"value": 4}, "beta": {"values": [1, 2, 4, 8]}},
    "seeds": 2,
    "evaluation": {"higgins": {"train": 300, "test": 200, "images": 256}},
    "trainer": {"architecture": "mlp", "batch_size": 16, "steps": 1000},
}


def sweep(*words: str, uri: str) -> str:
    """Runs a command; what it printed. Ends the benchmark where it fails."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri}
    environment.pop("OPTUNA_STORAGE", None)
    command = [sys.executable, "-m", "sweeps", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def measure(
    name: str, fault: Fault | None, folder: Path, proxy: Proxy, server: MlflowServer
) -> str:
    """One sweep with one fault, as a line of the table."""
    from mlflow import MlflowClient

    place = Path(tempfile.mkdtemp(dir=folder))
    file, store = place / "sweep.yaml", place / "store"
    file.write_text(yaml.safe_dump({"name": place.name, **SWEEP}))
    if fault is not None:
        proxy.inject(fault)
    began = time.time()
    printed = sweep("run", str(file), "--store", str(store), uri=proxy.url)
    end = time.time()
    proxy.mend()
    trained = max(path.stat().st_mtime for path in store.glob("runs/*/result.json"))
    lacking = re.search(r"lacks (\d+) of (\d+)", printed)
    sweep("sync", place.name, "--store", str(store), uri=proxy.url)
    client = MlflowClient(server.url)
    runs = client.search_runs([client.get_experiment_by_name(place.name).experiment_id])
    kinds = Counter(run.data.tags["kind"] for run in runs)
    return (
        f"{name:24}{trained - began:12.1f}{end - began:12.1f}"
        f"{' of '.join(lacking.groups()) if lacking else '0':>14}{kinds['run']:>10} of {RUNS}"
    )


def main() -> None:
    """Prints a line for each fault."""
    print(f"{'server':24}{'last result':>12}{'end':>12}{'then lacking':>14}{'synced':>15}   (s)")
    with (
        tempfile.TemporaryDirectory(prefix="tracking-") as folder,
        mlflow_server(f"sqlite:///{folder}/mlflow.db", f"{folder}/files", Path(folder)) as server,
        proxied((server.host, server.port)) as proxy,
    ):
        measure("not shown: the first one renders the images", None, Path(folder), proxy, server)
        for name, fault in FAULTS.items():
            print(measure(name, fault, Path(folder), proxy, server), flush=True)


if __name__ == "__main__":
    main()
